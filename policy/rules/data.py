"""Rules on data: tables can be restored and are hard to delete in production; logs expire."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from policy.model import UNKNOWN, Resource, Rule

TABLES: Final = frozenset({"aws:dynamodb/table:Table"})
LOG_GROUPS: Final = frozenset({"aws:cloudwatch/logGroup:LogGroup"})


def _enabled(setting: Any) -> bool:
    return setting is UNKNOWN or (isinstance(setting, Mapping) and bool(setting.get("enabled")))


def _hard_to_delete(resource: Resource) -> Iterator[str]:
    if not resource.is_production:
        return
    if not resource.props.get("deletionProtectionEnabled"):
        yield "AWS would delete it on request; set deletion_protection to true"
    if not resource.protect:
        yield "Pulumi would delete or replace it; set protect to true"


def _recoverable(resource: Resource) -> Iterator[str]:
    # Data that expires needs no backup.
    expires = _enabled(resource.props.get("ttl"))
    if resource.is_production and not expires and not _enabled(resource.props.get("pointInTimeRecovery")):
        yield "it cannot be restored to a moment in the past; set point_in_time_recovery to true"


def _logs_expire(resource: Resource) -> Iterator[str]:
    if not resource.props.get("retentionInDays"):
        yield "its logs are kept for ever and cost money; set retentionInDays"


DATA_RULES: Final = (
    Rule(
        name="production-tables-are-protected",
        description="In production no single command, to AWS or Pulumi, can delete a table.",
        level="mandatory",
        types=TABLES,
        check=_hard_to_delete,
    ),
    Rule(
        name="production-tables-are-recoverable",
        description="In production every table whose items do not expire has point-in-time recovery.",
        level="mandatory",
        types=TABLES,
        check=_recoverable,
    ),
    Rule(
        name="logs-have-a-retention",
        description="Every log group has a retention.",
        level="mandatory",
        types=LOG_GROUPS,
        check=_logs_expire,
    ),
)
