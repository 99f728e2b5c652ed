"""Composite alarms: one notification for one cause. A composite combines alarms; another composite can suppress it."""

from collections.abc import Iterable

from components.alarms.model import Alarm, Composite, Tier
from pipeline.alarms.deliveries import FAILED, REDRIVEN
from pipeline.alarms.objectives import ACCEPTING, BUDGET, SETTLING, pairs

_PROCESSING = ("attempt-failure-rate", "oldest-message-age", "worker-not-running")
_DEAD_LETTERS = ("dead-letter-queue-not-empty", "order-dead-lettered")


def composites(alarms: Iterable[Alarm]) -> tuple[Composite, ...]:
    """Return the composite alarms that belong to these alarms."""
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
    # A bus without rules has no deliveries.
    if not members:
        return ()
    return (
        Composite(
            name="notifications-undelivered",
            title="Subscribers do not get order events",
            members=members,
            tier=Tier.NOTIFY,
            runbook="notifications",
            why="Orders are settled, but a subscriber does not get their events yet. `notifications-lost` reports lost "
            "events.",
        ),
    )


_PAGES = (
    Composite(
        name="api-failing",
        title="Customers cannot place or see orders",
        pairs=pairs(ACCEPTING, Tier.PAGE),
        tier=Tier.PAGE,
        runbook="api",
        why="At 14.4 times the allowed rate, the month's error budget is spent in 50 hours; at 6 times, in five days.",
    ),
    Composite(
        name="processing-failing",
        title="Accepted orders are not processed",
        members=_PROCESSING,
        pairs=pairs(SETTLING, Tier.PAGE),
        tier=Tier.PAGE,
        runbook="processing",
        why="Orders are safe in the queue, but customers wait. API and worker share dependencies, "
        "so one failure could page twice. Therefore this alarm is suppressed while the API fails, "
        "and for ten minutes after that.",
        quiet_while="api-failing",
        quiet_after=600,
    ),
    Composite(
        name="dead-letters",
        title="Orders need a decision",
        members=_DEAD_LETTERS,
        tier=Tier.PAGE,
        runbook="dead-letters",
        why="Somebody must redrive or discard the dead letters. This alarm is suppressed while processing fails and "
        "for half an hour after, because people empty the dead-letter queue after such an incident.",
        quiet_while="processing-failing",
        quiet_after=1800,
    ),
    Composite(
        name="further-dead-letters",
        title="More orders need a decision",
        pairs=(("order-dead-lettered", "dead-letters-old"),),
        tier=Tier.PAGE,
        runbook="dead-letters",
        why="`dead-letters` stays in alarm until the queue is empty; this alarm reports that "
        "another message has arrived. Suppressed at the same times as `dead-letters`.",
        quiet_while="processing-failing",
        quiet_after=1800,
    ),
    Composite(
        name=BUDGET,
        title="An error budget is spent too fast",
        pairs=(*pairs(ACCEPTING, Tier.TICKET), *pairs(SETTLING, Tier.TICKET)),
        tier=Tier.TICKET,
        runbook="capacity",
        why="This alarm is not urgent. At 3 times the allowed rate, the month's budget is spent in ten days.",
    ),
)
_SILENCE = Composite(
    name="intake-silent",
    title="Too few orders arrive",
    members=("orders-missing",),
    tier=Tier.PAGE,
    runbook="business",
    why="Suppressed while the API fails and for an hour after, because a failing API explains the missing orders.",
    quiet_while="api-failing",
    quiet_after=3600,
)
