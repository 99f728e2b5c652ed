"""Rows on the tables."""

from collections.abc import Mapping

from components.alarms.model import Alarm, Metric, Ref, Threshold, Tier
from pipeline.alarms.context import FIVE_MINUTES, TABLES, Context, filled

_IDEMPOTENCY = ("PutItem", "UpdateItem", "DeleteItem", "GetItem")
OPERATIONS: Mapping[str, tuple[str, ...]] = {
    "orders": ("GetItem", "UpdateItem", "TransactWriteItems"),
    "stock": ("TransactWriteItems",),
    "api_idempotency": _IDEMPOTENCY,
    "worker_idempotency": _IDEMPOTENCY,
}
"""The calls that the functions make on each table; SystemErrors exist only per table and operation."""


def dependency_alarms(context: Context) -> tuple[Alarm, ...]:
    """Rows on the tables' throttles and errors."""
    return (
        *(_throttles(context, name, table) for name, table in TABLES.items()),
        *(_system_errors(context, name, table) for name, table in TABLES.items()),
    )


def _throttles(context: Context, name: str, table: Ref) -> Alarm:
    return Alarm(
        name=f"{_kebab(name)}-table-throttles",
        title=f"The table {name} throttles",
        metrics={
            kind: Metric("AWS/DynamoDB", f"{kind.title()}ThrottleEvents", {"TableName": table}, "Sum")
            for kind in ("read", "write")
        },
        expression=filled("read", "write"),
        threshold=Threshold(context.thresholds.table_throttles, "requests", "beyond what SDK retries hide"),
        period=FIVE_MINUTES,
        periods=3,
        to_alarm=2,
        missing="notBreaching",
        tier=Tier.NOTIFY,
        runbook="tables",
        why=f"A hot key or a table that scales too slowly. {_WHY_FILL}",
        anchor="tables-throttled",
    )


def _system_errors(context: Context, name: str, table: Ref) -> Alarm:
    metrics = {
        _identifier(operation): Metric(
            "AWS/DynamoDB", "SystemErrors", {"TableName": table, "Operation": operation}, "Sum"
        )
        for operation in OPERATIONS[name]
    }
    return Alarm(
        name=f"{_kebab(name)}-table-errors",
        title=f"DynamoDB fails on the table {name}",
        metrics=metrics,
        expression=filled(*metrics),
        threshold=Threshold(context.thresholds.table_system_errors, "requests", "beyond what SDK retries hide"),
        period=FIVE_MINUTES,
        periods=3,
        to_alarm=2,
        missing="notBreaching",
        tier=Tier.NOTIFY,
        runbook="tables",
        why=f"DynamoDB's own HTTP 500s: not ours to fix, good to know. {_WHY_FILL}",
        anchor="tables-failing",
    )


_WHY_FILL = "Filled with 0, because alarms on DynamoDB metrics may ignore missing data and would never recover."


def _kebab(name: str) -> str:
    return name.replace("_", "-")


def _identifier(operation: str) -> str:
    return operation[0].lower() + operation[1:]
