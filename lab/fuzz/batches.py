"""A round of batches with valid and hostile messages. After each batch, the outcome of each record is checked."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from lab.fuzz import contract
from lab.fuzz.contract import DEAD, REPORTED, SETTLED
from lab.fuzz.hostile import PRICE, SKU, Hostile
from lab.fuzz.watch import Watch, process, watched
from lab.simulation.queue_model import Delivery, Failed, Message
from lab.simulation.queue_model.message import InvalidMessageError
from lab.simulation.world import ORDERS, STOCK, Deployment
from runtime.models.fields import SCHEMA_VERSION

BATCHES = 4
"""Number of batches of a round. A batch has new messages, and messages that earlier batches did not finish."""

_STOCK: Final = 20
_VERSIONS: Final = (*[SCHEMA_VERSION] * 3, SCHEMA_VERSION + 1, 0, 10**30)
_FINAL: Final = frozenset({"CONFIRMED", "REJECTED", "DISCARDED"})
_NO_EVENT: Final = "This is no SQS event"
_ROWS: Final[tuple[dict[str, Any], ...]] = (
    {},
    {"available": {"S": "5"}},
    {"available": {"NULL": True}},
    {"available": {"N": "1.5"}},
    {"available": {"L": []}},
)


@dataclass
class Round:
    """The batches of one seed.

    Attributes:
        strange: Ids of orders and articles with unreadable rows. A message about one of them may have any outcome.
        events: Subjects of the events that were published.
        sent: Bodies and attributes of sent messages, some of which are sent again.
    """

    hostile: Hostile
    watch: Watch
    strange: set[str] = field(default_factory=set)
    events: set[str] = field(default_factory=set)
    sent: list[tuple[str, dict[str, dict[str, Any]]]] = field(default_factory=list)

    # --- making messages ------------------------------------------------------------------------------------------

    def prepare(self) -> None:
        """Write the stock. In some rounds a row of the stock table, a row of the orders table, or both are
        unreadable."""
        hostile, world = self.hostile, self.watch.world
        tables = world.cloud.dynamodb.tables
        for sku in (SKU, *(f"SKU-{number}" for number in range(1, 50, 2))):
            world.stock_up(sku, _STOCK)
        if hostile.chance(0.2):
            sku = hostile.random.choice((SKU, "SKU-1", "SKU-2"))
            world.initial_stock.pop(sku, None)
            tables[STOCK].items[(sku,)] = {"sku": {"S": sku}, **hostile.random.choice(_ROWS)}
            self.strange.add(sku)
        if hostile.chance(0.2):
            order_id = self._new_id()
            row = {"status": {"S": hostile.text() or "?"}, "lines": {"S": hostile.mark()}, "total": {"N": "1"}}
            tables[ORDERS].items[(order_id,)] = {"order_id": {"S": order_id}, **row}
            self.strange.add(order_id)

    def send(self) -> None:
        """Send one message to the queue, if SQS accepts it."""
        hostile, world = self.hostile, self.watch.world
        kind = hostile.random.random()
        if kind < 0.35:
            world.post(hostile.mark(), json.dumps(hostile.order(0)), caller="ann")
            return
        if kind < 0.45 and self.sent:
            # Send an earlier message again without changes, because messages of the API with the same
            # order id always have the same lines.
            world.orders_queue.send(*hostile.random.choice(self.sent))
            return
        document = self._message()
        body = hostile.raw(document) if kind < 0.9 else hostile.text() * hostile.random.choice((1, 1, 300))
        attributes = self._attributes(document)
        try:
            world.orders_queue.send(body, attributes)
            self.sent.append((body, attributes))
        except (InvalidMessageError, UnicodeEncodeError):
            self.watch.counted.append("messages that SQS refuses")

    def _new_id(self) -> str:
        return f"258c1194-ad96-52bd-a847-{self.hostile.random.getrandbits(48):012x}"

    def _message(self) -> Any:
        hostile = self.hostile
        share = 0 if hostile.chance(0.3) else hostile.random.choice((0.02, 0.1, 0.4))
        order = hostile.order(share)
        more = {
            "schema_version": hostile.random.choice(_VERSIONS) if hostile.chance(0.3) else SCHEMA_VERSION,
            "order_id": hostile.random.choice(sorted(self.strange))
            if self.strange and hostile.chance(0.1)
            else self._new_id(),
            "caller": "c" * 64,
            "accepted_at": hostile.random.choice(("2026-01-01T00:00:00.000Z", "2026-02-30T25:61:60.000Z")),
            "correlation_id": "correlation-1",
            "total": PRICE,
            "traceparent": hostile.random.choice((None, hostile.mark())),
        }
        changed = {name: hostile.near(value, share) for name, value in more.items() if not hostile.chance(share / 2)}
        return {**changed, **order} if isinstance(order, dict) else order

    def _attributes(self, document: Any) -> dict[str, dict[str, Any]]:
        hostile = self.hostile
        order_id = document.get("order_id") if isinstance(document, dict) else None
        attributes: dict[str, dict[str, Any]] = {}
        if isinstance(order_id, str) and hostile.chance(0.6):
            attributes["order_id"] = {"DataType": "String", "StringValue": order_id}
        for name in ("order_id", "schema_version", "correlation_id", "error", "original_message_id", "x.y", "attempt"):
            if hostile.chance(0.06):
                attributes[name] = hostile.random.choice(
                    (
                        {"DataType": "String", "StringValue": hostile.text()},
                        {"DataType": "Number", "StringValue": hostile.random.choice(("1", "2", "1" * 30))},
                        {"DataType": "String.custom", "StringValue": hostile.mark()},
                        {"DataType": "Binary", "BinaryValue": hostile.mark().encode()},
                    )
                )
        return attributes

    def mutated(self, event: dict[str, Any]) -> dict[str, Any]:
        """Return a variant of the event, with records that SQS would not send."""
        hostile = self.hostile
        changed = hostile.near(event["Records"], 0.08)
        records = changed if isinstance(changed, list) else event["Records"]
        if hostile.chance(0.2):
            records = [*records, hostile.value()]
        return {"Records": records} if not hostile.chance(0.02) else {"Records": hostile.scalar()}

    # --- judging batches ------------------------------------------------------------------------------------------

    def play(self) -> None:
        """Send messages, deliver them in batches, and judge the outcomes."""
        self.prepare()
        delivered = 0
        while delivered < BATCHES:
            for _ in range(self.hostile.random.randrange(1, 5)):
                self.send()
            delivery = self.watch.world.mapping.poll()
            if delivery is not None:
                self._work(delivery)
                delivered += 1
            # After this time, messages that were reported as failed can be received again.
            self.watch.world.cloud.clock.advance(1000)
        self._count_stock()

    def _work(self, delivery: Delivery) -> None:
        world = self.watch.world
        self.watch.read_log(self.hostile)
        mutated = self.hostile.chance(0.25)
        event = self.mutated(delivery.event) if mutated else delivery.event
        disturbed = process(self.hostile, 0.15, 12)
        before = set(world.dead_letters.messages)
        self.watch.counted.append("batches")
        outcome = world.work(replace(delivery, event=event), disturbed)
        world.mapping.finish(delivery, outcome)
        # Logs may contain message ids, and the ids of articles and orders whose rows a person must repair.
        self.watch.read_log(self.hostile, ignored=_marks_in_ids(event["Records"]) | self.strange)
        if isinstance(outcome, Failed):
            if isinstance(event["Records"], list) or _NO_EVENT not in outcome.cause:
                self.watch.violated("exception", outcome.cause[:300])
            return
        letters = [letter for id_, letter in world.dead_letters.messages.items() if id_ not in before]
        self._judge(event["Records"], outcome.value, letters, exact=not mutated and not disturbed.fault)
        self.watch.counted += ["disturbed"] * bool(disturbed.fault) + ["mutated"] * mutated

    def _judge(self, records: list[Any], value: Any, letters: list[Message], *, exact: bool) -> None:
        reported = _reported(value)
        if reported is None:
            self.watch.violated("answer", f"not a batch response: {str(value)[:200]!r}")
            return
        self.watch.look_for(self.hostile.marks - _marks_in_ids(records), json.dumps(value), "the batch response")
        for letter in letters:
            errors = {name: letter.attributes.get(name, {}).get("StringValue", "") for name in ("error", "error_type")}
            self.watch.look_for(self.hostile.marks, json.dumps(errors), "a dead letter's error")
        named = [record for record in records if _id_of(record)]
        if ("" in reported) != (len(named) < len(records)):
            self.watch.violated(
                "record lost",
                "the whole batch must be reported as failed if a record has no id, and only then",
            )
        self.events |= {json.loads(one.body)["subject"] for one in self.watch.world.subscriber.received}
        for record in named:
            self._check_outcome(record, reported, letters, exact=exact)

    def _check_outcome(self, record: Any, reported: set[str], letters: list[Message], *, exact: bool) -> None:
        ends = {REPORTED} if record["messageId"] in reported else set[str]()
        order_id = contract.order_id_of(record)
        if order_id in self.events and self._status(order_id) in _FINAL:
            ends.add(SETTLED)
        if any(letter.body == record.get("body") for letter in letters):
            ends.add(DEAD)
        self.watch.counted += ends
        if not ends:
            self.watch.violated("record lost", f"neither settled, dead-lettered nor reported: {str(record)[:300]!r}")
        if exact and not self._is_strange(record) and not ends & contract.ends_of(record):
            self.watch.violated(
                "record", f"{ends}, but the contract allows {set(contract.ends_of(record))}: {str(record)[:300]}"
            )

    def _status(self, order_id: str | None) -> str | None:
        row = self.watch.world.orders.get(order_id or "")
        return None if row is None else row["status"].get("S")

    def _is_strange(self, record: Any) -> bool:
        return any(
            name in str(record.get("body")) or name in str(record.get("messageAttributes")) for name in self.strange
        )

    def _count_stock(self) -> None:
        """Check that the taken stock equals the quantities of confirmed orders."""
        world = self.watch.world
        taken: dict[str, int] = {}
        for order_id, row in world.orders.items():
            if row["status"].get("S") == "CONFIRMED" and order_id not in self.strange:
                for line in row["lines"]["L"]:
                    sku = line["M"]["sku"]["S"]
                    taken[sku] = taken.get(sku, 0) + int(line["M"]["quantity"]["N"])
        for sku, initial in world.initial_stock.items():
            found = taken.get(sku, 0)
            if world.available(sku) != initial - found:
                self.watch.violated(
                    "stock", f"{sku}: confirmed orders took {found} of {initial}, but {world.available(sku)} are left"
                )


def _reported(value: Any) -> set[str] | None:
    """Return the identifiers in a batch response, or `None` if the value is not a batch response."""
    try:
        json.dumps(value)
        identifiers = {failure["itemIdentifier"] for failure in value["batchItemFailures"]}
    except (TypeError, ValueError, KeyError):
        return None
    return identifiers if all(isinstance(identifier, str) for identifier in identifiers) else None


def _id_of(record: Any) -> str:
    id_ = record.get("messageId") if isinstance(record, Mapping) else None
    return id_ if isinstance(id_, str) else ""


def _marks_in_ids(records: Any) -> set[str]:
    """Return the marks (`Hostile.marks`) in message ids. Answers and logs may contain these
    marks, because they contain message ids."""
    ids = map(_id_of, records) if isinstance(records, list) else ()
    return {f"~{part}~" for id_ in ids for part in id_.split("~")}


def play_batches(hostile: Hostile) -> Watch:
    """Play one round, against a worker that publishes to a topic or to a bus."""
    deployment = Deployment(bus=hostile.chance(0.3), batch_size=5, max_receive_count=hostile.random.choice((1, 3, 8)))
    with watched(deployment) as watch:
        Round(hostile, watch).play()
    return watch
