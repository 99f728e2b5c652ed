"""An X-Ray group: the traces of some functions in which something went wrong or took long."""

import hashlib
from typing import ClassVar

import pulumi
import pulumi_aws as aws
from pydantic import Field

from components.component import Args, Component, Scope
from components.function import Function

NAME_LIMIT = 32


class TraceGroupArgs(Args):
    """Settings of a trace group: which traces it holds."""

    functions: tuple[Function, ...] = Field(min_length=1, description="A trace that touches any of them can count.")
    slow_seconds: int = Field(ge=1, description="A trace that took longer counts as well.")


class TraceGroup(Component):
    """The group. It samples nothing by itself, and makes no difference to what sampling keeps. Outputs: `name`."""

    kind: ClassVar[str] = "TraceGroup"

    def __init__(
        self, name: str, scope: Scope, args: TraceGroupArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(name, scope, opts)
        group = aws.xray.Group(
            f"{name}-group",
            aws.xray.GroupArgs(
                group_name=group_name(scope.prefix),
                filter_expression=pulumi.Output.all(*(each.function_name for each in args.functions)).apply(
                    lambda names: _expression(names, args.slow_seconds)
                ),
                # Insights are billed by trace, on top of the traces.
                insights_configuration=aws.xray.GroupInsightsConfigurationArgs(insights_enabled=False),
                tags=scope.tags,
            ),
            self.child(),
        )
        self.name = group.group_name
        self.register_outputs({"name": self.name})


def group_name(prefix: str) -> str:
    """`prefix`, or where X-Ray's limit is below it, its beginning and a hash."""
    if len(prefix) <= NAME_LIMIT:
        return prefix
    return f"{prefix[: NAME_LIMIT - 9]}-{hashlib.sha256(prefix.encode()).hexdigest()[:8]}"


def _expression(names: list[str], slow_seconds: int) -> str:
    services = " OR ".join(f'service("{name}")' for name in names)
    return f"({services}) AND (fault OR error OR responsetime > {slow_seconds})"
