"""Judges a load test.

Were the orders sent at the wanted rate, accepted, settled in time and published?
If an order got several 202 answers, did they all have the same bytes?
"""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from ops.audit.judge import Finding
from ops.gateway.orders import Orders
from ops.load.clients import Traffic
from ops.logic.counts import counted
from runtime.logic.clock import Clock
from runtime.models.fields import from_timestamp
from runtime.models.order import StoredOrder

OFFERED_PERCENT: Final = 95
"""A run must reach at least this share of its rate. A slower run shows nothing about that rate."""
_LOOK_SECONDS: Final = 2.0
_NAMED: Final = 5


@dataclass
class Watch:
    """Follows accepted orders until they are settled and published.

    Attributes:
        open: Ids of orders that are not yet both settled and published.
        settled: Rows of the settled and published orders, by id.
    """

    orders: Orders
    clock: Clock
    open: set[str]
    settled: dict[str, StoredOrder] = field(default_factory=dict)

    def until(self, deadline: float) -> Iterator[int]:
        """Read the open orders until no order is open, or until `deadline` (epoch seconds).

        Yield after each read how many orders are settled and published so far.
        """
        while True:
            facts = self.orders.facts(self.open)
            self.settled |= {order_id: facts.orders[order_id] for order_id in facts.finished}
            self.open.difference_update(facts.finished)
            yield len(self.settled)
            if not self.open or self.clock.time() > deadline:
                return
            self.clock.sleep(_LOOK_SECONDS)

    @property
    def seconds(self) -> dict[str, float]:
        """Return the seconds from acceptance to settlement of each settled order."""
        return {order_id: _between(row.accepted_at, row.settled_at) for order_id, row in self.settled.items()}

    @property
    def last(self) -> float:
        """Return when the last order was settled, in seconds since the epoch; 0 if no order is settled."""
        return max((_at(row.settled_at) for row in self.settled.values()), default=0.0)


def same_bytes(traffic: Traffic) -> Finding:
    """Judge guarantee G3: all 202 answers that a caller got for one key have the same bytes."""
    violations = [
        f"key {key} of {caller or 'the caller'} got {len(bodies)} different answers"
        for (caller, key), bodies in traffic.answers.items()
        if len(bodies) > 1
    ]
    answers = f"{counted(traffic.statuses[202], 'answer')} with status 202, for {counted(len(traffic.answers), 'key')}"
    return Finding("G3", "same bytes", answers, violations)


def judge_load(traffic: Traffic, watch: Watch, wanted: int, per_second: float, promise: float) -> list[Finding]:
    """Judge the traffic that the clients recorded. The audit judges the stack's data."""
    rate = reached(traffic, wanted, per_second)
    slow = [f"only {rate:.1f} orders per second were sent: use more --clients, unless the API or this machine is slow"]
    answered = {order_id for ids in traffic.order_ids.values() for order_id in ids}
    others = f"not accepted: {wanted - len(traffic.answers)} of {wanted}; answers: {dict(traffic.statuses)}"
    late = {order_id: took for order_id, took in watch.seconds.items() if took > promise}
    lasting = [f"orders not settled and published: {len(watch.open)} ({_some(watch.open)})"] if watch.open else []
    lasting += [f"late orders: {len(late)} ({_some(late)})"] if late else []
    doubled = len(answered) - len(traffic.answers)
    too_many = [f"{counted(doubled, 'order')} too many"]
    too_slow = rate < per_second * OFFERED_PERCENT / 100
    return [
        Finding("load", "offered", f"{rate:.1f} of {per_second:g} orders/s", slow * too_slow),
        Finding("load", "accepted", counted(len(traffic.answers), "order"), [others] * (len(traffic.answers) < wanted)),
        same_bytes(traffic),
        Finding("load", "one order per key", counted(len(answered), "order"), too_many * (doubled > 0)),
        Finding("load", f"settled and published within {promise:g} s", counted(len(watch.settled), "order"), lasting),
    ]


def reached(traffic: Traffic, wanted: int, per_second: float) -> float:
    """Return the orders sent per second, at most `per_second`."""
    return wanted / max(wanted / per_second, traffic.offered_seconds)


def spread(seconds: Iterable[float]) -> dict[str, float | None]:
    """Return the median, the 95th and 99th percentiles and the maximum, in seconds; all are `None` without values."""
    found = sorted(seconds)
    shares = {"p50": 0.5, "p95": 0.95, "p99": 0.99, "max": 1.0}
    return {
        name: round(found[math.ceil(share * len(found)) - 1], 3) if found else None for name, share in shares.items()
    }


def _some(order_ids: Iterable[str]) -> str:
    found = sorted(order_ids)
    return ", ".join(found[:_NAMED]) + (" …" if len(found) > _NAMED else "")


def _between(first: str | None, last: str | None) -> float:
    return _at(last) - _at(first)


def _at(timestamp: str | None) -> float:
    # A settled row without its times is a fault that the audit reports.
    return 0.0 if timestamp is None else from_timestamp(timestamp).timestamp()
