"""An X-Ray group: the failed or slow traces of some functions."""

import hashlib
from typing import ClassVar

import pulumi
import pulumi_aws as aws
from pydantic import Field

from components.component import Args, Component, Scope
from components.function import Function

NAME_LIMIT = 32


class TraceGroupArgs(Args):
    """Settings of a trace group: which traces belong to it."""

    functions: tuple[Function, ...] = Field(min_length=1, description="Functions whose traces can belong to the group.")
    slow_seconds: int = Field(
        ge=1, description="Seconds: a trace with a longer response time belongs to the group even without an error."
    )


class TraceGroup(Component):
    """The group. It has no effect on sampling. Outputs: `name`."""

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
                # Insights cost extra for each trace.
                insights_configuration=aws.xray.GroupInsightsConfigurationArgs(insights_enabled=False),
                tags=scope.tags,
            ),
            self.child(),
        )
        self.name = group.group_name
        self.register_outputs({"name": self.name})


def group_name(prefix: str) -> str:
    """Return `prefix`; if it is longer than X-Ray's limit, return its beginning and a hash."""
    if len(prefix) <= NAME_LIMIT:
        return prefix
    return f"{prefix[: NAME_LIMIT - 9]}-{hashlib.sha256(prefix.encode()).hexdigest()[:8]}"


def _expression(names: list[str], slow_seconds: int) -> str:
    services = " OR ".join(f'service("{name}")' for name in names)
    return f"({services}) AND (fault OR error OR responsetime > {slow_seconds})"
