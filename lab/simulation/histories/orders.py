"""Orders, callers and keys of histories: few of each, so that requests often share a key or a body."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from typing import Final

from lab.simulation.requests import ISSUER, order_body
from runtime.logic.canonical import canonical
from runtime.logic.keys import Identity, caller_id, order_id
from runtime.models.fields import SCHEMA_VERSION

PLENTY, POPULAR, SCARCE, MISSING = "PLENTY", "POPULAR", "SCARCE", "NO-SUCH"
CALLERS: Final = ("ann", "bob", "eve")
KEYS: Final = ("k1", "k2", "k3", "k4", "k5", "k6")


@dataclass(frozen=True, slots=True)
class Order:
    """A body that callers post.

    Attributes:
        body: The JSON text.
        lines: SKU and quantity; empty if the API refuses the body.
        kills: Operation at which the order kills its worker, if any.
        by_deadline: Whether the worker is killed at its deadline, instead of by a crash.
    """

    body: str
    lines: tuple[tuple[str, int], ...] = ()
    kills: str | None = None
    by_deadline: bool = False


def _order(*lines: tuple[str, int], kills: str | None = None, by_deadline: bool = False) -> Order:
    reference = f"kills at {kills}{' by deadline' if by_deadline else ''}" if kills else None
    return Order(order_body(*lines, reference=reference), lines, kills, by_deadline)


def _reordered(body: str) -> str:
    """Return the same order with its members in reverse, as a retry may send it."""
    document = json.loads(body)
    return json.dumps(dict(reversed(document.items())), indent=1)


ORDERS: Final[dict[str, Order]] = {
    "one": _order((PLENTY, 1)),
    "two": _order((PLENTY, 2), (POPULAR, 1)),
    "popular": _order((POPULAR, 1)),
    "scarce": _order((SCARCE, 1)),
    "greedy": _order((PLENTY, 1), (SCARCE, 3)),
    "unknown": _order((PLENTY, 1), (MISSING, 1)),
    "killer": _order((PLENTY, 1), kills="TransactWriteItems"),
    "late killer": _order((PLENTY, 1), kills="Publish"),
    "slow killer": _order((PLENTY, 1), kills="TransactWriteItems", by_deadline=True),
    "invalid": Order('{"currency": "EUR", "lines": []}'),
}
ORDERS["one again"] = Order(_reordered(ORDERS["one"].body), ORDERS["one"].lines)
ORDINARY: Final = ("one", "one again", "two", "popular", "scarce", "greedy", "unknown")
KILLERS: Final = tuple(name for name, order in ORDERS.items() if order.kills)


@cache
def id_of(caller: str, key: str, order: str) -> str:
    """Return the id of the order that the caller makes with this key and body."""
    return order_id(caller_of(caller), key, canonical(json.loads(ORDERS[order].body)))


@cache
def caller_of(caller: str) -> str:
    """Return the caller's id, as orders store it."""
    return caller_id(Identity(ISSUER, caller))


FOREIGN_BODIES: Final = {
    "not JSON": "{",
    "no order": "{}",
    "newer than any": f'{{"schema_version": {SCHEMA_VERSION + 8}}}',
}
"""Bodies of messages that the API did not send. No release in a history knows the version of `newer than any`."""
