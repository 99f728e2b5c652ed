"""Reads the evidence. Stock is read before the orders and again after them, because orders may be settled meanwhile."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Final

from pydantic import ValidationError

from ops.audit.evidence import (
    AGAIN,
    API_RECORDS,
    DEAD_LETTERS,
    LOGS,
    ORDERS,
    OUTCOME_WORDS,
    QUEUE,
    SETTINGS,
    STOCK,
    WORKER_RECORDS,
    Doubt,
    Evidence,
    receive_of,
)
from ops.cli.context import Context
from ops.cli.dlq_list import cases_of
from ops.gateway.orders import record_id
from ops.gateway.queues import depth_of
from ops.gateway.rows import Item, Rows
from ops.gateway.stock import Count, count_of
from ops.logic.case import merge
from ops.logic.stored import COMPLETED, UnreadableOrder, read_row, record_answer, record_state
from ops.status.attempts import Attempts
from runtime.logic.event import event_for
from runtime.logic.failures import CorruptDataError
from runtime.models.answers import AcceptedOrder
from runtime.models.fields import from_timestamp
from runtime.models.order import OPEN_STATUSES, OrderStatus, StoredOrder
from runtime.store.items import from_item

_ANSWERED: Final = "order accepted"
_SHARED: Final = ("order_id", "total", "currency", "accepted_at")
"""Fields of an answer that must equal those of the stored order."""


class Reader:
    """One pass over a stack.

    Attributes:
        rows: Reads tables, and counts requests, rows and read units.
        seen: Number of messages received from the dead-letter queue.
    """

    def __init__(
        self, context: Context, cut_off: float, logs_since: float | None, progress: Callable[[str], None]
    ) -> None:
        self._context, self._logs_since, self._progress = context, logs_since, progress
        self._attempts = Attempts(context.target.label)
        self._life: float | None = None
        self._records_readable: bool | None = True
        self.rows = Rows(context.clients.dynamodb, context.clock.sleep)
        self.evidence = Evidence(cut_off)
        self.seen = 0

    def read(self) -> Evidence:
        """Read everything. A source that cannot be read is recorded in `unread`; the others are still read."""
        target, found = self._context.target, self.evidence
        found.before = self._part(STOCK, self._stock) or {}
        self._life = self._part(SETTINGS, self._context.worker.record_life)
        self._part(ORDERS, self._orders)
        found.after = self._part(STOCK, self._stock) or {}
        self._part(API_RECORDS, self._answers)
        found.cases = self._part(DEAD_LETTERS, self._dead_letters) or ()
        self._part(AGAIN, self._recheck)
        depth = self._part(QUEUE, lambda: depth_of(self._context.clients.sqs, target.orders_queue_url))
        if depth is not None:
            found.waiting, found.max_receives = depth.all, depth.max_receives
        if self._logs_since is not None:
            self._part(LOGS, self._logs)
        found.unread = {each.what: each.why for each in self._attempts.unread}
        return found

    def _part(self, what: str, read: Callable[[], Any]) -> Any:
        self._progress(what)
        return self._attempts.read(what, read)

    def _stock(self) -> dict[str, Count]:
        pages = self.rows.scan(self._context.target.stock_table)
        return {str(item["sku"]["S"]): count_of(item) for page in pages for item in page}

    def _orders(self) -> None:
        for page in self.rows.scan(self._context.target.orders_table):
            settled = [order for item in page if (order := self._order(item)) is not None]
            if self._records_readable:
                self._records_readable = self._attempts.read(WORKER_RECORDS, partial(self._published, settled))

    def _order(self, item: Item) -> StoredOrder | None:
        """Count the row of an order. Return the order if its event should be published by now."""
        found, order = self.evidence, read_row(item)
        if isinstance(order, UnreadableOrder):
            found.statuses["unreadable"] += 1
            found.problems["G1"].append(f"{order.order_id} is not a valid order: {order}. Next: {order.repair_command}")
            return None
        found.statuses[order.status] += 1
        if order.status in OPEN_STATUSES:
            if found.settled_before(order.accepted_at):
                found.doubts[order.order_id] = Doubt.OPEN
            return None
        if order.status is OrderStatus.DISCARDED:
            reason = from_item(item).get("reason")
            if not isinstance(reason, Mapping) or not reason.get("by"):
                found.problems["G1"].append(f"{order.order_id} is DISCARDED, but its row does not say who discarded it")
            return None
        if order.status is OrderStatus.CONFIRMED:
            found.count_units(order)
        try:
            event_for(order, source="-")
        except CorruptDataError as error:
            found.problems["G5"].append(str(error))
            return None
        settled = found.settled_before(order.settled_at)
        found.late += not settled
        return order if settled else None

    def _published(self, orders: Sequence[StoredOrder]) -> bool:
        """Look up the worker's records of settled orders. Return True once all are read."""
        wanted = {record_id(order.order_id): order for order in orders}
        for item in self.rows.get(self._context.target.worker_idempotency_table, "id", sorted(wanted)):
            order = wanted[str(item["id"]["S"])]
            if record_state(item) != COMPLETED:
                continue
            del wanted[str(item["id"]["S"])]
            published_status = record_answer(item).get("status")
            if published_status == order.status:
                self.evidence.published += 1
            else:
                self.evidence.problems["G5"].append(
                    f"{order.order_id} is {order.status}, but the worker's record has the status {published_status}"
                )
        for order in wanted.values():
            if self._has_expired_record(order):
                self.evidence.forgotten += 1
            else:
                self.evidence.doubts[order.order_id] = Doubt.UNPUBLISHED
        return True

    def _has_expired_record(self, order: StoredOrder) -> bool:
        if self._life is None or order.settled_at is None:
            return self._life is None
        return from_timestamp(order.settled_at).timestamp() + self._life < self._context.clock.time()

    def _answers(self) -> None:
        """Compare the API's stored answers with the stored orders."""
        target, found = self._context.target, self.evidence
        for page in self.rows.scan(target.api_idempotency_table):
            answers: dict[str, dict[str, Any]] = {}
            for item in page:
                if record_state(item) == "INPROGRESS":
                    continue
                record, answer = str(item["id"]["S"]), _answer(item)
                if record_state(item) != COMPLETED or answer is None:
                    found.problems["G3"].append(f"the API's record {record} contains no answer")
                    continue
                found.answers[record] = answer["order_id"]
                answers[answer["order_id"]] = answer
            rows = map(read_row, self.rows.get(target.orders_table, "order_id", sorted(answers)))
            stored = {row.order_id: row for row in rows}
            for order_id, answer in answers.items():
                self._compare(answer, stored.get(order_id))

    def _compare(self, answer: Mapping[str, Any], order: StoredOrder | UnreadableOrder | None) -> None:
        if isinstance(order, UnreadableOrder):
            return
        if order is None:
            if self.evidence.settled_before(answer["accepted_at"]):
                self.evidence.doubts[answer["order_id"]] = Doubt.UNSTORED
            return
        other = [name for name in _SHARED if answer[name] != getattr(order, name)]
        if other:
            self.evidence.problems["G3"].append(
                f"{order.order_id}: its stored answer and its row differ in these fields: {', '.join(other)}"
            )

    def _dead_letters(self) -> Any:
        with self._context.sweep() as sweep:
            cases = cases_of(self._context, sweep, lambda seen: self._progress(f"dead-letter queue: {seen}"))
            self.seen = sweep.seen
        return merge(cases)

    def _recheck(self) -> None:
        """Drop doubts that were resolved meanwhile, and doubts about orders with a dead letter."""
        found = self.evidence
        dead = {case.letter.order_id for case in found.cases}
        doubts = {order_id: doubt for order_id, doubt in found.doubts.items() if order_id not in dead}
        facts = self._context.orders.facts(doubts)
        remains = {
            Doubt.OPEN: lambda order: order is None or order.status in OPEN_STATUSES,
            Doubt.UNPUBLISHED: lambda order: order is None or order.order_id not in facts.finished,
            Doubt.UNSTORED: lambda order: order is None,
        }
        found.doubts = {
            order_id: doubt for order_id, doubt in doubts.items() if remains[doubt](facts.orders.get(order_id))
        }

    def _logs(self) -> None:
        found, end = self.evidence, int(self._context.clock.time() * 1000) + 1
        start = int((self._logs_since or 0) * 1000)
        receives = (receive_of(line) for line in self._lines("process-order", OUTCOME_WORDS, start, end))
        found.receives = [receive for receive in receives if receive is not None]
        for line in self._lines("create-order", (_ANSWERED,), start, end):
            if line.get("message") == _ANSWERED and line.get("replayed"):
                found.replays += 1
            elif line.get("message") == _ANSWERED:
                found.firsts[str(line.get("order_id"))] += 1

    def _lines(self, function: str, words: Sequence[str], start: int, end: int) -> Iterator[dict[str, Any]]:
        return self._context.telemetry.lines(f"/aws/lambda/{self._context.target.prefix}-{function}", words, start, end)


def _answer(item: Item) -> dict[str, Any] | None:
    try:
        return AcceptedOrder.model_validate_json(record_answer(item).get("body", "")).model_dump(mode="json")
    except (TypeError, ValidationError):
        return None
