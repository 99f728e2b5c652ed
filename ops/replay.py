"""Sends the events of settled orders to one subscriber's queue again, sorted by settlement time, at a limited rate."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from ops.errors import ExitCode, OpsError
from ops.gateway.journal import Run
from ops.gateway.mailbox import Mailbox
from ops.gateway.queues import MAX_BATCH
from ops.gateway.rows import Rows
from ops.logic.counts import counted
from ops.logic.stored import UnreadableOrder, read_row
from ops.rate_limit import RateLimit
from runtime.logic.clock import Clock, timestamp
from runtime.logic.event import EVENT_TYPES, Event, event_for
from runtime.logic.failures import CorruptDataError
from runtime.models.order import OrderStatus

VERB: Final = "events replay"
_CHUNK: Final = 100
_TRIES: Final = 3

Place = tuple[str, str]
"""Time of an order's settlement, and the order's id. Events are sent sorted by this pair."""


class UnsentError(OpsError):
    """SQS did not accept some events."""

    exit_code = ExitCode.INCOMPLETE


@dataclass(frozen=True, slots=True)
class Span:
    """Selection of orders with one of these statuses, settled at `since` or later and before `until` (`Timestamp`s)."""

    since: str
    until: str
    statuses: Sequence[OrderStatus]

    @property
    def words(self) -> list[str]:
        """The selection in words, for the journal and for people. Equal spans have equal words."""
        return [f"since={self.since}", f"until={self.until}", f"status={','.join(self.statuses)}"]

    def scan(self) -> dict[str, Any]:
        """Return the options of DynamoDB's Scan that select the orders."""
        statuses = {f":status{index}": {"S": status.value} for index, status in enumerate(self.statuses)}
        return {
            "FilterExpression": f"#at >= :since AND #at < :until AND #status IN ({', '.join(statuses)})",
            "ExpressionAttributeNames": {"#at": "settled_at", "#status": "status"},
            "ExpressionAttributeValues": {":since": {"S": self.since}, ":until": {"S": self.until}, **statuses},
        }


@dataclass
class Replay:
    """One run that sends past events again.

    Attributes:
        source: CloudEvents `source` of the events. It must be the worker's, so that the events have the
            same bytes as when the worker published them.
        run: The journal's run; `None` in a dry run, which only counts.
        after: `last` of an earlier, incomplete run. This run begins with the next order.
        sent: Number of events that were sent (in a dry run: would be sent).
        filtered: Number of events that the subscription's filter excludes.
        unreadable: Orders whose event cannot be created, each with the reason.
        repairs: The `order repair` command of each order in `unreadable` that this command can
            repair.
        last: `Place` of the last order in this run's last complete chunk. A chunk has up to a hundred
            orders.
    """

    rows: Rows
    table: str
    mailbox: Mailbox
    source: str
    pace: RateLimit
    clock: Clock
    run: Run | None
    after: Place | None = None
    sent: int = 0
    filtered: int = 0
    unreadable: dict[str, str] = field(default_factory=dict)
    repairs: list[str] = field(default_factory=list)
    last: Place | None = None

    def places(self, span: Span) -> list[Place]:
        """Return the `Place` of each order in the span, sorted. With `after`, return only places after it.

        Reads the whole table.
        """
        found = [
            (str(item["settled_at"]["S"]), str(item["order_id"]["S"]))
            for page in self.rows.scan(self.table, **span.scan())
            for item in page
        ]
        return sorted(place for place in found if self.after is None or place > self.after)

    def go(self, places: Sequence[Place]) -> None:
        """Send the events of orders.

        Raises:
            UnsentError: SQS refused some events. Earlier events were sent. If the command runs again with the same
                times, it continues after the last complete chunk, so it sends up to a hundred events twice.
        """
        for start in range(0, len(places), _CHUNK):
            chunk = places[start : start + _CHUNK]
            items = {
                item["order_id"]["S"]: item for item in self.rows.get(self.table, "order_id", [p[1] for p in chunk])
            }
            chosen = list(self._events([items[order_id] for _, order_id in chunk if order_id in items]))
            for first in range(0, len(chosen), MAX_BATCH):
                self._send(chosen[first : first + MAX_BATCH])
            self.last = chunk[-1]
            if self.run is not None:
                self.run.write_line("sent", last=list(self.last), sent=self.sent)

    def _events(self, items: Sequence[Mapping[str, Any]]) -> Iterator[Event]:
        for item in items:
            order = read_row(item)
            if isinstance(order, UnreadableOrder):
                self.unreadable[order.order_id] = str(order)
                if not order.newer:
                    self.repairs.append(order.repair_command)
                continue
            if order.status not in EVENT_TYPES:
                continue
            try:
                event = event_for(order, source=self.source)
            except CorruptDataError as error:
                self.unreadable[order.order_id] = str(error)
                continue
            if self.mailbox.accepts(event):
                yield event
            else:
                self.filtered += 1

    def _send(self, events: Sequence[Event]) -> None:
        if self.run is None:
            self.sent += len(events)
            return
        left = list(events)
        for _ in range(_TRIES):
            self.pace.wait(len(left))
            done = self.mailbox.send(left, timestamp(self.clock))
            self.sent += len(done)
            left = [event for event in left if event.event_id not in done]
            if not left:
                return
        raise UnsentError(
            f"SQS did not accept {len(left)} of {counted(len(events), 'event')}. "
            "Run the command again with the same times."
        )
