"""Checks the guarantees with `ops audit`, after all messages are processed.

For G5 this module also checks the events that the subscriber without a filter received.
For G6 this module checks only tables and dead letters. The module `callers` checks the rest of G6,
with requests of different callers.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from local.demo.account import Acceptance, Account, DeadLetter, Event, Receive
from ops.audit.judge import Finding, judge
from ops.audit.read import Reader
from ops.cli.context import Context
from ops.gateway.clients import Clients
from ops.target import Choice, resolve

FINAL = frozenset({"CONFIRMED", "REJECTED", "DISCARDED"})
EVENT_TYPES = {"CONFIRMED": "order.confirmed", "REJECTED": "order.rejected"}
# The subscription of Pulumi.local.yaml that has no filter.
UNFILTERED = "everything"


@dataclass(frozen=True)
class Evidence:
    """What `gather` read through the AWS APIs.

    Attributes:
        counted: The findings of `ops audit`.
    """

    counted: Sequence[Finding]
    acceptances: Sequence[Acceptance]
    orders: Mapping[str, Mapping[str, Any]]
    stock: Mapping[str, Mapping[str, Any]]
    receives: Sequence[Receive]
    dead_letters: Sequence[DeadLetter]
    events: Sequence[Event]


def gather(account: Account) -> Evidence:
    """Collect the evidence. Call this function when the orders queue is empty."""
    return Evidence(
        counted=count(account),
        acceptances=account.acceptances(),
        orders=account.orders(),
        stock=account.stock(),
        receives=account.receives(),
        dead_letters=account.dead_letters(),
        events=account.events(UNFILTERED),
    )


def count(account: Account) -> list[Finding]:
    """Return the findings of `ops audit` about all orders and all logs up to this moment."""
    target = resolve(Choice(local=True, state_dir=account.stack.state.path))
    context = Context(target, Clients(target), as_json=True)
    return judge(Reader(context, context.clock.time(), 0, lambda _: None).read())


def audit(evidence: Evidence) -> list[Finding]:
    """Return the finding of each guarantee."""
    return [notified(evidence, each) if each.name == "G5" else each for each in evidence.counted]


def notified(evidence: Evidence, by_records: Finding) -> Finding:
    """Return the finding of G5, extended by the violations that the received events show.

    Checks that the event of every settled order arrived, that no other event arrived, and that all
    copies of an event are equal.
    """
    texts: dict[str, set[str]] = defaultdict(set)
    for event in evidence.events:
        texts[event.document["id"]].add(event.text)
    wanted = {
        f"{order_id}:{EVENT_TYPES[row['status']]}"
        for order_id, row in evidence.orders.items()
        if row["status"] in EVENT_TYPES
    }
    violations = [f"the subscriber {UNFILTERED!r} did not get {missing}" for missing in sorted(wanted - texts.keys())]
    violations += [f"{extra} came, but no settled order has this event" for extra in sorted(texts.keys() - wanted)]
    violations += [f"{event_id} came in {len(found)} versions" for event_id, found in texts.items() if len(found) > 1]
    return by_records.along_with(f"{len(texts)} different events, {len(evidence.events)} deliveries", violations)
