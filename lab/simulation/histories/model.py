"""Model that checks each history, while it is played and at its end.

The model follows the history's steps. It does not use the program's logic, except for canonical
JSON, keys and ids. Each violation begins with a label. ``G1`` to ``G6`` are the guarantees
(:mod:`lab.simulation.invariants`). The model's own rules:

- M1: An order that no caller posted is ``FAILED`` or ``DISCARDED``. No order is deleted. Only people discard orders. No
  message from a sender other than the API is lost.
- M2: Outcomes never change, and no order returns to ``ACCEPTED``.
- M3: Stock is never negative. No order is confirmed without a stock row, or rejected if stock was always sufficient.
- M4: Every order becomes final unless its message expires. Callers that retry get an answer.
- M5: Answers have the status, the replay mark and the order id that the model expects.
- M6: An undisturbed worker leaves a message in the queue only if the message has a newer schema
  version, or its twin is running. No message is hidden too long.
- M7: A killer is a message whose order kills the worker. Other messages in its batches lose only a
  limited number of receives.
- M8: A dead letter's order is no longer ``ACCEPTED``.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256

from lab.simulation import invariants
from lab.simulation.fakes.dynamodb.values import Item
from lab.simulation.histories.orders import FOREIGN_BODIES, ORDERS, Order, caller_of, id_of
from lab.simulation.histories.runs import Run
from lab.simulation.histories.steps import Post
from lab.simulation.histories.watched import WatchedOrders, WatchedStock
from lab.simulation.queue_model import Delivery, Message
from lab.simulation.requests import ISSUER
from lab.simulation.world import API_RECORDS, STOCK, WORKER_RECORDS, Exchange, World
from lab.simulation.world import ORDERS as ORDERS_TABLE
from runtime.http.responses import REPLAY_HEADER, Response
from runtime.logic.canonical import canonical
from runtime.logic.keys import Identity, request_key
from runtime.models.order import OrderStatus

Intent = tuple[str, str, str]  # caller, key, name of the order
_MARKING = {"UpdateItem", "GetItem"}
"""Operations with which the worker prepares an isolated batch. ``UpdateItem`` marks an order ``FAILED`` before the
order's last attempt. ``GetItem`` reads an order's lease. If such a call is disturbed, a mark can be missing."""
OPEN = {OrderStatus.ACCEPTED.value, OrderStatus.FAILED.value}


@dataclass(frozen=True, slots=True)
class Expected:
    """An answer's status, and whether it is marked as a replay."""

    status: int
    replayed: bool = False


@dataclass(slots=True)
class Batch:
    """A batch, and what the model knows about it before the worker's run.

    Attributes:
        messages: The batch's messages.
        excuses: By message id: the reason for which an undisturbed worker may leave the message in the queue.
        last: Ids of the messages on their last attempt.
    """

    messages: list[Message]
    excuses: dict[str, str]
    last: set[str]


@dataclass(slots=True)
class Model:
    """Follows one history step by step, and collects the violations.

    Attributes:
        world: The world in which the history is played.
        intents: Caller, key and order name, by order id.
        discarded: Ids of the discarded orders.
        foreign: Order id and body of each message that the API did not send.
        overlapping: Ids of messages that a step made visible again before their visibility timeout ended.
        late_effects: Whether a killed process's call may have taken effect after the kill.
        violations: Violations found so far.
        seen_paths: Counts for the summary, such as the number of batches.
    """

    world: World
    intents: dict[str, Intent] = field(default_factory=dict)
    discarded: set[str] = field(default_factory=set)
    foreign: set[tuple[str, str]] = field(default_factory=set)
    overlapping: set[str] = field(default_factory=set)
    late_effects: bool = False
    violations: list[str] = field(default_factory=list)
    seen_paths: Counter[str] = field(default_factory=Counter)
    orders: WatchedOrders = field(default_factory=WatchedOrders)
    stock: WatchedStock = field(default_factory=WatchedStock)
    _answered: set[str] = field(default_factory=set)
    _interleaved: bool = False
    _excused: set[str] = field(default_factory=set)
    _killed_with: defaultdict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    _killed_otherwise: Counter[str] = field(default_factory=Counter)
    """For each order, the receives that its messages lost in killed runs, if something other than a killer may be the
    cause. The count is per order, because a killed run leaves a lease that delays all messages of its order.

    If a killer is the only possible cause, the receive is counted in ``_killed_with``, under the key ``by killers``.
    """

    def __post_init__(self) -> None:
        tables = self.world.cloud.dynamodb.tables
        tables[ORDERS_TABLE].items, tables[STOCK].items = self.orders, self.stock

    def order(self, order_id: str) -> Order | None:
        """Return the order that a caller of this history posted under this id, if any."""
        intent = self.intents.get(order_id)
        return None if intent is None else ORDERS[intent[2]]

    # --- callers ----------------------------------------------------------------------------------------------------

    def before_post(self, step: Post) -> Expected:
        """Return the answer that an undisturbed run must give."""
        if not ORDERS[step.order].lines:
            return Expected(422)
        order_id = id_of(step.caller, step.key, step.order)
        self.intents.setdefault(order_id, (step.caller, step.key, step.order))
        record = self.world.cloud.dynamodb.tables[API_RECORDS].items.get((api_record(step.caller, step.key),))
        now = self.world.cloud.clock.now
        if record is None or int(record["expiration"]["N"]) < int(now):
            return Expected(202)
        same = record["validation"]["S"] == payload_digest(step.order)
        if record["status"]["S"] == "COMPLETED":
            return Expected(202, replayed=True) if same else Expected(422)
        if _lease_end(record) < int(now * 1000):
            return Expected(202)
        return Expected(409 if same else 422)

    def posted(self, step: Post, exchange: Exchange, expected: Expected, run: Run) -> None:
        """Check the answer to a POST."""
        self._interleaved |= bool(run.disturbed)
        if exchange.response is None:
            return
        status = exchange.response["statusCode"]
        if status in {202, 422}:
            self._answered.add(id_of(step.caller, step.key, step.order) if ORDERS[step.order].lines else "")
        answer = Expected(status, replayed=REPLAY_HEADER in exchange.response["headers"])
        if answer != expected if not run.disturbed else status not in {202, 409, 422, 503}:
            self._violated("M5", f"{step} got the answer {answer}, expected {expected}")
        if status == 202:
            given = json.loads(exchange.response["body"])["order_id"]
            if given != id_of(step.caller, step.key, step.order):
                self._violated("M5", f"{step} got the order id {given}")

    def unanswered(self) -> list[Intent]:
        """Return the intents without a final answer. Their callers would retry them."""
        return [intent for order_id, intent in self.intents.items() if order_id not in self._answered]

    def is_answered(self, caller: str, key: str, order: str) -> bool:
        """Return whether the caller got a final answer to this intent."""
        return id_of(caller, key, order) in self._answered

    def looked_up(self, caller: str, order_id: str, response: Response) -> None:
        """Check the answer to a GET."""
        stored = self.orders[(order_id,)]
        own = stored.get("caller", {}).get("S") == caller_of(caller)
        if response["statusCode"] != (200 if own else 404):
            self._violated("G6", f"{caller} requested {order_id} and got the status {response['statusCode']}")
        elif own:
            status = stored["status"]["S"]
            shown = json.loads(response["body"])["status"]
            if shown != ("DELAYED" if status == OrderStatus.FAILED else status):
                self._violated("M5", f"{order_id} is {status}, but GET returned {shown}")

    # --- worker -----------------------------------------------------------------------------------------------------

    def before_delivery(self, delivery: Delivery, version: int) -> Batch:
        """Return a received batch, with the reasons for which a worker of this version may leave messages in the
        queue."""
        messages = [self.world.orders_queue.messages[message_id] for message_id in delivery.handles]
        excuses = {one.message_id: excuse for one in messages if (excuse := self._excuse(one, version))}
        most = self.world.deployment.max_receive_count
        return Batch(messages, excuses, {one.message_id for one in messages if one.receive_count >= most})

    def delivered(self, batch: Batch, kept: frozenset[str], run: Run) -> None:
        """Check the messages of a batch that were not deleted after the worker's run."""
        self.seen_paths["batches"] += 1
        self.seen_paths["messages delivered"] += len(batch.messages)
        self.seen_paths["messages not deleted"] += len(kept)
        self.seen_paths["batches after an earlier receive"] += any(one.receive_count > 1 for one in batch.messages)
        self.seen_paths["batches of a worker that was killed"] += run.killed
        self.seen_paths["last attempts"] += len(batch.last)
        self.seen_paths.update(batch.excuses.values())
        if not run.disturbed:
            for message_id in kept - batch.excuses.keys():
                self._violated("M6", f"an undisturbed worker left {message_id} of {self._of(batch)} in the queue")
        if run.disturbed.keys() & _MARKING:
            self._excused |= batch.last
        self._judge_visibility_timeouts(kept)
        if run.killed:
            self._count_killed(batch, run)

    def _judge_visibility_timeouts(self, kept: frozenset[str]) -> None:
        config = self.world.deployment
        latest = self.world.cloud.clock.now + max(config.retry_cap_seconds, 6 * config.worker_timeout_seconds)
        for message_id in kept:
            message = self.world.orders_queue.messages.get(message_id)
            if message is not None and message.visible_at > latest:
                self._violated("M6", f"{message_id} is hidden for {message.visible_at - latest} s too long")

    def _count_killed(self, batch: Batch, run: Run) -> None:
        killers = [one.message_id for one in batch.messages if self._is_killer(one)]
        for message in batch.messages:
            if not self._is_killer(message) and message.message_id in self.world.orders_queue.messages:
                lost = self._killed_with[message.message_id]
                # This receive counts as lost to the killer only if nothing else disturbed the run. Otherwise the other
                # disturbance may have kept the message in the queue.
                only_killed = run.killer is not None and run.disturbed.total() == 1
                order = invariants.order_of(message) or message.message_id
                if only_killed and message.message_id not in batch.excuses:
                    lost["by killers"] += 1
                else:
                    self._killed_otherwise[order] += 1
                for killer in killers:
                    lost[killer] += 1
                allowed = 1 + len(lost.keys() - {"by killers"}) + self._killed_otherwise[order]
                if lost["by killers"] > allowed and message.message_id not in self.overlapping:
                    self._violated(
                        "M7",
                        f"{message.message_id} lost {lost['by killers']} receives because of killers: {dict(lost)}",
                    )

    def _is_killer(self, message: Message) -> bool:
        order = self.order(invariants.order_of(message) or "")
        return order is not None and order.kills is not None

    def _excuse(self, message: Message, version: int) -> str | None:
        text = message.attributes.get("schema_version", {}).get("StringValue", "0")
        if int(text) > version or message.body == FOREIGN_BODIES["newer than any"]:
            return "messages of a newer version"
        records = self.world.cloud.dynamodb.tables[WORKER_RECORDS].items
        record = records.get((worker_record(invariants.order_of(message) or ""),))
        if record is not None and record["status"]["S"] == "INPROGRESS":
            return "messages whose twin was running" if _lease_end(record) >= self.world.cloud.clock.millis else None
        return None

    def letters_are_marked(self) -> None:
        """Check, before the last redrive, that no order with a dead letter is still ``ACCEPTED``.

        Orders with a message in the orders queue are not checked. A dead letter is skipped if
        a call in ``_MARKING`` was disturbed in its last attempt, because the mark ``FAILED`` may then be missing.
        """
        waiting = {invariants.order_of(message) for message in self.world.orders_queue.messages.values()}
        for message in self.world.dead_letters.messages.values():
            order_id = invariants.order_of(message)
            row = self.orders.get((order_id or "",))
            if row is None or order_id in waiting or message.message_id in self._excused:
                continue
            if row["status"]["S"] == OrderStatus.ACCEPTED:
                self._violated("M8", f"{order_id} has a dead letter, but is {row['status']['S']}")

    # --- the end ----------------------------------------------------------------------------------------------------

    def judge(self, *, patient: bool) -> list[str]:
        """Return every violation of the history. ``patient``: whether callers without a final
        answer repeated their requests at the end."""
        found = [*self.violations, *self.orders.violations, *self.stock.violations]
        found += invariants.violations(self.world)
        if not (self._interleaved or self.late_effects):
            found += invariants.replays_are_marked(self.world)
        queues = (self.world.orders_queue, self.world.dead_letters)
        expired = {invariants.order_of(one) for queue in queues for one in queue.expired}
        for order_id, item in self.world.orders.items():
            found += self._judge_order(order_id, item, order_id in expired)
        here = {
            (invariants.order_of(one), one.body)
            for queue in queues
            for one in (*queue.messages.values(), *queue.expired)
        }
        found += [f"M1: the foreign message {one} is lost" for one in self.foreign - here]
        if patient:
            found += [f"M4: {intent} got no final answer" for intent in self.unanswered()]
        return found

    def _judge_order(self, order_id: str, item: dict[str, dict[str, str]], expired: bool) -> Iterator[str]:
        status = item["status"]["S"]
        intent = self.intents.get(order_id)
        named = any(order_id == order for order, _ in self.foreign)
        if (status == OrderStatus.DISCARDED) != (order_id in self.discarded):
            who = "a person" if order_id in self.discarded else "nobody"
            yield f"M1: {order_id} is {status}, but {who} discarded it"
        if intent is None:
            if not named or status not in {OrderStatus.FAILED, OrderStatus.DISCARDED}:
                yield f"M1: no caller posted {order_id}, but its status is {status}"
            return
        if status in OPEN and not expired:
            yield f"M4: {intent} is {status} after all repairs and redrives"
        wanted = ORDERS[intent[2]]
        missing = {sku for sku, _ in wanted.lines} - self.world.initial_stock.keys()
        short = {sku for sku, quantity in wanted.lines if self.stock.least.get(sku, 0) < quantity}
        if status == OrderStatus.CONFIRMED and missing:
            yield f"M3: {intent} is CONFIRMED without any stock of {missing}"
        if status == OrderStatus.REJECTED and not missing | short:
            yield f"M3: {intent} is REJECTED, but stock was always sufficient"

    def _of(self, batch: Batch) -> list[object]:
        return [self.intents.get(invariants.order_of(one) or "") for one in batch.messages]

    def _violated(self, label: str, text: str) -> None:
        self.violations.append(f"{label}: {text}")


def _lease_end(record: Item) -> int:
    """Return the end of an idempotency record's lease, in milliseconds since the epoch."""
    return int(record.get("in_progress_expiration", {"N": "0"})["N"])


# Powertools derives the ids of idempotency records from our keys: SHA-256 of the key's JSON.
def _hash(text: str) -> str:
    return sha256(json.dumps(text).encode()).hexdigest()


@cache
def api_record(caller: str, key: str) -> str:
    """The id of the API's idempotency record of a key."""
    return f"create-order#{_hash(request_key(Identity(ISSUER, caller), key))}"


@cache
def payload_digest(order: str) -> str:
    """Return the digest that the API's idempotency record has for this order's body."""
    return _hash(canonical(json.loads(ORDERS[order].body)))


@cache
def worker_record(order_id: str) -> str:
    """The id of the worker's idempotency record of an order."""
    return f"process-order#{_hash(order_id)}"
