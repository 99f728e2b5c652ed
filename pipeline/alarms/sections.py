"""The dashboard's two readers: is business flowing, and where does it hurt."""

from components.alarms.model import AlarmTable
from components.dashboard import LogQuery, Section
from pipeline.functions import API_FUNCTIONS, FUNCTIONS, PROCESS_ORDER

# Headings of rows: of several that share one, all.
_FLOW = (
    "orders-missing",
    "rejection-rate",
    "settlement-latency",
    "oldest-message-age",
    "backlog-growing",
    "api-5xx-rate",
    "api-latency",
    "dead-letter-queue-not-empty",
    "notifications-redriven",
)
LOG_GROUPS = tuple(each.key for each in FUNCTIONS)
"""Keys of the log groups that the queries read."""

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


def dashboard_sections(table: AlarmTable) -> tuple[Section, ...]:
    """Both readers' sections; every row is in one of them."""
    flowing = tuple(row.name for heading in _FLOW for row in table.alarms if row.heading == heading)
    hurting = tuple(row.name for row in table.alarms if row.name not in flowing)
    return (
        Section(title="Is business flowing?", alarms=flowing),
        Section(title="Where does it hurt?", alarms=hurting, queries=_QUERIES),
    )
