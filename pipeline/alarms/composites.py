"""One page for one cause: which rows are heard together, and what is silent while something else is known."""

from collections.abc import Iterable

from components.alarms.model import Alarm, Composite, Tier
from pipeline.alarms.deliveries import FAILED, REDRIVEN
from pipeline.functions import API_FUNCTIONS, PROCESS_ORDER

_API = (
    "api-5xx-rate",
    "api-dependency-failures",
    *(f"{each.alarm_name}-errors" for each in API_FUNCTIONS),
    *(f"{each.alarm_name}-throttles" for each in API_FUNCTIONS),
)
_PROCESSING = ("attempt-failure-rate", f"{PROCESS_ORDER.alarm_name}-errors", "oldest-message-age", "dead-letters-flood")
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
        Composite(
            name="tables-throttled",
            title="DynamoDB throttles",
            members=_under(rows, "tables-throttled"),
            tier=Tier.NOTIFY,
            runbook="tables",
            why="Retries absorb it so far. What customers notice pages by itself.",
        ),
        Composite(
            name="tables-failing",
            title="DynamoDB has errors of its own",
            members=_under(rows, "tables-failing"),
            tier=Tier.NOTIFY,
            runbook="tables",
            why="An incident of AWS is likely. What customers notice pages by itself.",
        ),
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
            why="Orders are settled; somebody downstream does not hear of it yet. Nothing is lost.",
        ),
    )


_PAGES = (
    Composite(
        name="api-failing",
        title="Customers cannot place or see orders",
        members=_API,
        tier=Tier.PAGE,
        runbook="api",
        why="All of these are one outage seen from different places.",
    ),
    Composite(
        name="processing-failing",
        title="Accepted orders are not processed",
        members=_PROCESSING,
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
