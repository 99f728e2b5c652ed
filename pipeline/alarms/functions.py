"""Rows on the functions: concurrency, and the worker's runs and attempts."""

import math

from components.alarms.model import Alarm, Threshold, Tier
from pipeline.alarms.context import (
    FIVE_MINUTES,
    MINUTE,
    QUEUE,
    Context,
    filled,
    function_metric,
    own_metric,
    percent,
    queue_metric,
)
from pipeline.functions import PROCESS_ORDER


def function_alarms(context: Context) -> tuple[Alarm, ...]:
    """Rows on concurrency, on whether the worker runs, and on its attempts."""
    return (*_concurrency(context), _not_running(context), *_attempts(context))


def _not_running(context: Context) -> Alarm:
    # A run that began may take its whole timeout, in which no other has to begin.
    minutes = 5 + context.limits.timeouts[PROCESS_ORDER.name] // MINUTE
    return Alarm(
        name="worker-not-running",
        title="Orders wait and the worker does not run",
        metrics={
            "waiting": queue_metric("ApproximateNumberOfMessagesVisible", QUEUE),
            "runs": function_metric("Invocations", PROCESS_ORDER.ref),
        },
        expression=f"IF({filled('runs')} == 0, {filled('waiting')}, 0)",
        threshold=Threshold(1, "messages", "nobody takes them"),
        period=MINUTE,
        # The last minutes' metrics are still on their way, and count as none waiting.
        periods=minutes + 3,
        to_alarm=minutes,
        missing="notBreaching",
        tier=Tier.PAGE,
        runbook="processing",
        why="The mapping is disabled, or has lost its queue, key or permission: it has no metric of its own. This is "
        "heard before the promise is broken.",
    )


def _concurrency(context: Context) -> tuple[Alarm, ...]:
    t = context.thresholds
    worker, account = context.limits.worker_concurrency, t.account_concurrency
    return tuple(
        Alarm(
            name=f"{name}-concurrency",
            title=f"{title} is close to its concurrency limit",
            metrics={"concurrency": function_metric("ConcurrentExecutions", function, "Maximum")},
            # Rounded up: of two instances one is not yet close to the limit.
            threshold=Threshold(math.ceil(t.concurrency_percent * limit / 100), "executions", f"of {limit}"),
            period=FIVE_MINUTES,
            periods=6,
            to_alarm=4,
            missing="notBreaching",
            tier=Tier.TICKET,
            runbook="capacity",
            why=why,
        )
        for name, title, function, limit, why in (
            (
                "worker",
                "The worker",
                PROCESS_ORDER.ref,
                worker,
                "At its limit the worker drains no faster, whatever arrives.",
            ),
            (
                "account",
                "The account",
                None,
                account,
                "Functions of one account and Region share this quota: a neighbour can take it all.",
            ),
        )
    )


def _attempts(context: Context) -> tuple[Alarm, ...]:
    t = context.thresholds
    failed = own_metric("AttemptFailed", "worker")
    return (
        Alarm(
            name="attempt-failure-rate",
            title="Attempts at processing orders fail",
            metrics={
                "failed": failed,
                "confirmed": own_metric("OrderConfirmed", "worker"),
                "rejected": own_metric("OrderRejected", "worker"),
            },
            expression=percent("failed", ("failed", "confirmed", "rejected"), t.rate_minimum_events),
            threshold=Threshold(t.attempt_failure_percent, "percent", "single poison messages stay below"),
            period=FIVE_MINUTES,
            periods=3,
            to_alarm=2,
            missing="notBreaching",
            tier=Tier.PAGE,
            runbook="processing",
            why="Partial batch failures never show in Lambda's Errors; only our own metric sees them.",
        ),
        Alarm(
            name="attempts-keep-failing",
            title="Some order fails again and again",
            metrics={"failed": failed},
            expression=filled("failed"),
            threshold=Threshold(1, "attempts", "any"),
            period=FIVE_MINUTES,
            periods=6,
            to_alarm=4,
            missing="notBreaching",
            tier=Tier.NOTIFY,
            runbook="processing",
            why="In a quiet shop a rate has too few events; half an hour of failing attempts says the same.",
        ),
    )
