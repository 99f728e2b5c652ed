"""Rules on functions: an alias, a named log group, and partial batch responses."""

from collections.abc import Iterator, Mapping
from typing import Final

from policy.model import UNKNOWN, Resource, Rule, Violation, of_type

FUNCTION: Final = "aws:lambda/function:Function"
ALIAS: Final = "aws:lambda/alias:Alias"
MAPPING: Final = "aws:lambda/eventSourceMapping:EventSourceMapping"


def _with_alias(resources: list[Resource]) -> Iterator[Violation]:
    aliases = of_type(resources, ALIAS)
    for function in of_type(resources, FUNCTION):
        if not any(alias.refers_to("functionName", function) for alias in aliases):
            yield Violation(
                function, "no alias points to it; without an alias, traffic cannot be shifted or rolled back"
            )


def _with_log_group(resource: Resource) -> Iterator[str]:
    logging = resource.props.get("loggingConfig")
    if logging is not UNKNOWN and not (isinstance(logging, Mapping) and logging.get("logGroup")):
        yield "Lambda would create a log group that never expires; set loggingConfig.logGroup to a group of the stack"


def _reports_items(resource: Resource) -> Iterator[str]:
    types = resource.props.get("functionResponseTypes", [])
    if types is not UNKNOWN and "ReportBatchItemFailures" not in types:
        yield "without ReportBatchItemFailures Lambda ignores the list of failed messages and deletes every message"


FUNCTION_RULES: Final = (
    Rule(
        name="functions-have-an-alias",
        description="Every function has an alias.",
        level="mandatory",
        types=frozenset({FUNCTION}),
        check_stack=_with_alias,
    ),
    Rule(
        name="functions-have-a-log-group",
        description="Every function names its log group.",
        level="mandatory",
        types=frozenset({FUNCTION}),
        check=_with_log_group,
    ),
    Rule(
        name="queue-consumers-report-item-failures",
        description="A queue's consumer reports which messages of a batch failed.",
        level="mandatory",
        types=frozenset({MAPPING}),
        check=_reports_items,
    ),
)
