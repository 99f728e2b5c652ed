"""One page for one cause: which rows are heard together, and what is silent while something else is known."""

from collections.abc import Iterable

from components.alarms.model import Alarm, Composite, Tier
from pipeline.alarms.deliveries import FAILED, REDRIVEN
from pipeline.alarms.objectives import ACCEPTING, BUDGET, SETTLING, pairs

_PROCESSING = ("attempt-failure-rate", "oldest-message-age", "worker-not-running")
_DEAD_LETTERS = ("dead-letter-queue-not-empty", "order-dead-lettered")


def composites(alarms: Iterable[Alarm]) -> tuple[Composite, ...]:
    """The composites of a table with these rows."""
    rows = tuple(alarms)
    names = {row.name for row in rows}
    silence = (_SILENCE,) if set(_SILENCE.members) <= names else ()
    return (
        *_PAGES,
        *silence,
        *_undelivered(_under(rows, FAILED, REDRIVEN)),
    )


def _under(rows: Iterable[Alarm], *headings: str) -> tuple[str, ...]:
    return tuple(row.name for row in rows if row.heading in headings)


def _undelivered(members: tuple[str, ...]) -> tuple[Composite, ...]:
    # A bus without a rule delivers nothing.
    if not members:
        return ()
    return (
        Composite(
            name="notifications-undelivered",
            title="Subscribers do not get order events",
            members=members,
            tier=Tier.NOTIFY,
            runbook="notifications",
            why="Orders are settled; a subscriber does not get their events yet. Nothing is lost.",
        ),
    )


_PAGES = (
    Composite(
        name="api-failing",
        title="Customers cannot place or see orders",
        pairs=pairs(ACCEPTING, Tier.PAGE),
        tier=Tier.PAGE,
        runbook="api",
        why="The error budget of accepting is spent so fast that it would not last: in two days, or in five.",
    ),
    Composite(
        name="processing-failing",
        title="Accepted orders are not processed",
        members=_PROCESSING,
        pairs=pairs(SETTLING, Tier.PAGE),
        tier=Tier.PAGE,
        runbook="processing",
        why="Orders are safe in the queue, customers wait. Silent while the API is known to fail: a shared "
        "dependency takes both down, and one page is enough.",
        quiet_while="api-failing",
        quiet_after=600,
    ),
    Composite(
        name="dead-letters",
        title="Orders need a decision",
        members=_DEAD_LETTERS,
        tier=Tier.PAGE,
        runbook="dead-letters",
        why="Somebody must redrive or discard them. Silent while processing is known to fail and half an hour after, "
        "because that incident ends with draining this queue.",
        quiet_while="processing-failing",
        quiet_after=1800,
    ),
    Composite(
        name="further-dead-letters",
        title="More orders need a decision",
        pairs=(("order-dead-lettered", "dead-letters-old"),),
        tier=Tier.PAGE,
        runbook="dead-letters",
        why="The first page stays open until the queue is empty; this one says that the next has come. Silent as that "
        "one is.",
        quiet_while="processing-failing",
        quiet_after=1800,
    ),
    Composite(
        name=BUDGET,
        title="An error budget is spent too fast",
        pairs=(*pairs(ACCEPTING, Tier.TICKET), *pairs(SETTLING, Tier.TICKET)),
        tier=Tier.TICKET,
        runbook="capacity",
        why="Nobody has to get up, and the month's budget will not last: in ten days, or just the month.",
    ),
)
_SILENCE = Composite(
    name="intake-silent",
    title="Hardly any orders arrive",
    members=("orders-missing",),
    tier=Tier.PAGE,
    runbook="business",
    why="Silent while the API is known to fail, which explains it.",
    quiet_while="api-failing",
    quiet_after=3600,
)
