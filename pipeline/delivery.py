"""Gradual deployment: how callers move to new versions of the functions."""

from collections.abc import Mapping

from components.alarms.model import Alarm, Metric, Threshold, Tier
from components.component import Scope, Text
from components.gradual_deploy import GradualDeploy, GradualDeployArgs, ShiftedFunction
from pipeline.alarms.context import MINUTE, api_metric, filled, function_metric, own_metric
from pipeline.config import StackConfig
from pipeline.functions import FUNCTIONS, ApiFunction, Functions, FunctionSpec

MINIMUM_FAILURES = 3
ROLLBACK_PERCENT = 2
# The metrics of a minute arrive up to two minutes later, and `FILL` counts a missing minute as good. So an alarm on the
# last minute alone could miss failures.
MINUTES_LOOKED_AT = 3


def build_delivery(
    config: StackConfig, scope: Scope, functions: Functions, watched: Mapping[str, Text]
) -> GradualDeploy | None:
    """Create the gradual deployment of new versions; None if `pulumi up` itself moves all callers."""
    if config.gradual_deploy == "none":
        return None
    shifted = tuple(
        ShiftedFunction(
            function=functions[each.name],
            key=each.key,
            rollback=rollback_row(each),
        )
        for each in FUNCTIONS
    )
    return GradualDeploy(
        "deploy", scope, GradualDeployArgs(functions=shifted, shift=config.gradual_deploy, watched=watched)
    )


def rollback_row(spec: FunctionSpec) -> Alarm:
    """Return the alarm that stops a deployment of the function and moves callers back."""
    return _api_row(spec) if isinstance(spec, ApiFunction) else _worker_row(spec)


def _api_row(spec: FunctionSpec) -> Alarm:
    # Crashes and answers with 5xx both count, because they are the same to callers.
    return _row(spec, {"failed": api_metric("5xx"), "requests": api_metric("Count")}, ("failed",), ("requests",))


def _worker_row(spec: FunctionSpec) -> Alarm:
    metrics = {
        "errors": function_metric("Errors", spec.ref),
        "failed": own_metric("AttemptFailed", "worker"),
        "confirmed": own_metric("OrderConfirmed", "worker"),
        "rejected": own_metric("OrderRejected", "worker"),
    }
    return _row(spec, metrics, ("errors", "failed"), tuple(metrics))


def _row(spec: FunctionSpec, metrics: Mapping[str, Metric], bad: tuple[str, ...], everything: tuple[str, ...]) -> Alarm:
    """Return the alarm on deployments of the function.

    Most paging alarms are too slow: a five-minute canary ends before an alarm with five-minute periods can fire. The
    threshold is low, because at first only a tenth of the calls reaches the new version. A wrong rollback costs little.
    """
    failures = filled(*bad)
    return Alarm(
        name=f"{spec.name}-rollback",
        title=f"A deployment of {spec.name} goes wrong",
        metrics=metrics,
        expression=f"IF(({failures}) >= {MINIMUM_FAILURES}, 100 * ({failures}) / ({filled(*everything)}), 0)",
        threshold=Threshold(
            ROLLBACK_PERCENT,
            "percent",
            "a fifth of the new version's calls, while it gets a tenth of all calls",
        ),
        period=MINUTE,
        periods=MINUTES_LOOKED_AT,
        to_alarm=1,
        missing="notBreaching",
        tier=Tier.TICKET,
        runbook="api",
        why="CodeDeploy stops the deployment and moves callers back to the former version when this alarm fires.",
    )
