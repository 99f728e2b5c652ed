"""Ways in which new versions of the functions reach callers."""

from collections.abc import Mapping

from components.alarms.model import Alarm, Metric, Threshold, Tier
from components.component import Scope, Text
from components.gradual_deploy import GradualDeploy, GradualDeployArgs, ShiftedFunction
from pipeline.alarms.context import MINUTE, api_metric, filled, function_metric, own_metric
from pipeline.config import StackConfig
from pipeline.functions import FUNCTIONS, ApiFunction, Functions, FunctionSpec

MINIMUM_FAILURES = 3
ROLLBACK_PERCENT = 2
# A minute's metrics arrive within the next two, and `FILL` calls a minute that is not there yet a good one: an alarm
# on the last minute alone would never fire.
MINUTES_LOOKED_AT = 3


def build_delivery(
    config: StackConfig, scope: Scope, functions: Functions, watched: Mapping[str, Text]
) -> GradualDeploy | None:
    """Build what shifts traffic between versions, unless `pulumi up` does it at once."""
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
    """Return the alarm that ends a deployment of the function and sends callers back."""
    return _api_row(spec) if isinstance(spec, ApiFunction) else _worker_row(spec)


def _api_row(spec: FunctionSpec) -> Alarm:
    # A function that breaks and one that answers 5xx are the same to callers, and both count here.
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
    """Return the row of an alarm on a deployment of the function.

    Not the alarms that page: at first a tenth of the calls reaches the new version, and a canary of five minutes is
    over before alarms of five-minute periods have seen it. Going back wrongly costs little, so little is enough.
    """
    failures = filled(*bad)
    return Alarm(
        name=f"{spec.name}-rollback",
        title=f"A deployment of {spec.name} goes wrong",
        metrics=metrics,
        expression=f"IF(({failures}) >= {MINIMUM_FAILURES}, 100 * ({failures}) / ({filled(*everything)}), 0)",
        threshold=Threshold(ROLLBACK_PERCENT, "percent", "a fifth of the calls that meet the new version at first"),
        period=MINUTE,
        periods=MINUTES_LOOKED_AT,
        to_alarm=1,
        missing="notBreaching",
        tier=Tier.TICKET,
        runbook="api",
        why="CodeDeploy stops and sends callers back to the former version while this is in alarm.",
    )
