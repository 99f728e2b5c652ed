"""The dashboard's sections: an overview on the first screen, then all alarms in sections whose titles are questions."""

from typing import Final

from components.alarms.model import AlarmTable, Metric
from components.dashboard import Graph, LogQuery, Section
from pipeline.alarms.context import (
    DEAD_LETTER_QUEUE,
    MINUTE,
    QUEUE,
    TABLES,
    Objectives,
    api_metric,
    filled,
    function_metric,
    in_time_metric,
    own_metric,
    queue_metric,
)
from pipeline.alarms.objectives import BUDGET
from pipeline.functions import API_FUNCTIONS, FUNCTIONS, PROCESS_ORDER

GLANCE: Final = "At a glance"
"""The section that fills the first screen."""
BUDGET_DAYS: Final = 30
"""Days over which an error budget is measured."""

# Runbook headings of alarms. Several alarms can share a heading.
_FLOW = (
    "orders-missing",
    "rejection-rate",
    "oldest-message-age",
    "api-latency",
    "dead-letter-queue-not-empty",
    "notifications-redriven",
)
_BURNING = ("api-failing", "processing-failing", BUDGET)
LOG_GROUPS = tuple(each.key for each in FUNCTIONS)
"""Keys of the log groups that the queries read."""

_DEPLOYS = LogQuery(
    title="last deploys",
    log_groups=LOG_GROUPS,
    # The name of a log stream contains the function's version: 2026/01/31/[7]0123abcd.
    query="parse @logStream '[*]' as version | stats min(@timestamp) as began, max(@timestamp) as last_seen "
    "by @log, version | sort began desc | limit 9",
)
_QUERIES = (
    LogQuery(
        title="errors by type",
        log_groups=LOG_GROUPS,
        query="filter message in ['unexpected error', 'dependency failed', 'message dead-lettered'] "
        "| stats count(*) as errors by service, message, error_type, operation, code | sort errors desc | limit 20",
    ),
    LogQuery(
        title="failed attempts by error",
        log_groups=(PROCESS_ORDER.key,),
        query="filter message = 'attempt failed' "
        "| stats count(*) as attempts, count_distinct(order_id) as orders by error_type, error "
        "| sort attempts desc | limit 20",
    ),
    LogQuery(
        title="refusals by problem type",
        log_groups=tuple(each.key for each in API_FUNCTIONS),
        query="filter message = 'refused' "
        "| stats count(*) as refusals, min(@timestamp) as since by status, problem | sort refusals desc | limit 20",
    ),
)


def dashboard_sections(table: AlarmTable, objectives: Objectives) -> tuple[Section, ...]:
    """Return the overview and a section for each question. Every alarm is in one of them."""
    flowing = tuple(row.name for heading in _FLOW for row in table.alarms if row.heading == heading)
    burning = tuple(row.name for row in table.alarms if row.heading in _BURNING and row.name not in flowing)
    hurting = tuple(row.name for row in table.alarms if row.name not in (*flowing, *burning))
    return (
        Section(title=GLANCE, graphs=_glance(objectives), queries=(_DEPLOYS,)),
        Section(title="Do orders get through?", alarms=flowing),
        Section(title="What fails?", graphs=_causes(), alarms=hurting, queries=_QUERIES),
        Section(title="How fast are the error budgets spent?", alarms=burning),
    )


def _glance(objectives: Objectives) -> tuple[Graph, ...]:
    accepted, requests = (
        own_metric("OrderAccepted", "api"),
        {"errors": api_metric("5xx"), "requests": api_metric("Count")},
    )
    settled = {each: own_metric(f"Order{each.title()}", "worker") for each in ("confirmed", "rejected")}
    orders = {"accepted": accepted, "in_time": in_time_metric(objectives.promise_seconds)}
    dead = {
        kind: queue_metric(f"ApproximateNumberOfMessages{name}", DEAD_LETTER_QUEUE)
        for kind, name in (("visible", "Visible"), ("hidden", "NotVisible"))
    }
    age = queue_metric("ApproximateAgeOfOldestMessage", QUEUE)
    return (
        Graph(
            title="Orders a minute",
            metrics={"accepted": accepted, **settled},
            shown=("accepted",),
            expressions={"settled": filled(*settled)},
            period=MINUTE,
            unit="orders",
            width=12,
            height=5,
        ),
        Graph(
            title="Requests with an answer other than 5xx",
            metrics=requests,
            expressions={"percent": f"100 * (1 - {filled('errors')} / requests)"},
            period=MINUTE,
            unit="percent",
            line=(objectives.accepting_percent, "objective"),
            width=12,
            height=5,
        ),
        _budget("accepting", requests, "errors / requests", objectives.accepting_percent),
        _budget("settling", orders, "(accepted - in_time) / accepted", objectives.settling_percent),
        Graph(title="Oldest order waiting", metrics={"age": age}, period=MINUTE, unit="seconds", width=6, height=4,
              line=(objectives.promise_seconds, "promise")),
        Graph(title="Dead letters", metrics=dead, expressions={"messages": "visible + hidden"}, period=MINUTE,
              unit="messages", width=6, height=4),
    )  # fmt: skip


def _budget(objective: str, metrics: dict[str, Metric], bad: str, goal: float) -> Graph:
    return Graph(
        title=f"Error budget left: {objective}, {BUDGET_DAYS} days",
        metrics=metrics,
        expressions={"percent": f"100 * (1 - {bad} / {round((100 - goal) / 100, 6):g})"},
        unit="percent",
        view="singleValue",
        days=BUDGET_DAYS,
        width=6,
        height=4,
    )


def _causes() -> tuple[Graph, ...]:
    """Return graphs of causes. Most of them have no alarm, because alarms mainly watch the effects on customers."""
    of_functions = {
        kind: {each.key: function_metric(kind, each.ref, statistic) for each in FUNCTIONS}
        for kind, statistic in (("Errors", "Sum"), ("Throttles", "Sum"), ("Duration", "Maximum"))
    }
    throttles = {
        f"{name}_{kind}": Metric("AWS/DynamoDB", f"{kind.title()}ThrottleEvents", {"TableName": table}, "Sum")
        for name, table in TABLES.items()
        for kind in ("read", "write")
    }
    attempts = {
        "failed": own_metric("AttemptFailed", "worker"),
        "conflicts": own_metric("TransactionConflict", "worker"),
        "unknown": own_metric("DependencyFailure", "api"),
    }
    return (
        Graph(title="Functions that fail", metrics=of_functions["Errors"], unit="invocations"),
        Graph(title="Functions that are throttled", metrics=of_functions["Throttles"], unit="invocations"),
        Graph(title="Longest run of each function", metrics=of_functions["Duration"], unit="milliseconds"),
        Graph(title="Tables that throttle", metrics=throttles, unit="requests"),
        Graph(title="Failed attempts, conflicts, our own 503s", metrics=attempts, unit="events"),
    )
