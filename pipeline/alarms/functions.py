"""Alarms on the functions: concurrency, and the worker's runs and attempts."""

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
    """Return the alarms on concurrency, on a worker that does not run, and on failed attempts."""
    return (*_concurrency(context), _not_running(context), *_attempts(context))


def _not_running(context: Context) -> Alarm:
    # One invocation can last as long as the timeout. For that long, `runs` can be 0 although the worker is healthy.
    minutes = 5 + context.limits.timeouts[PROCESS_ORDER.name] // MINUTE
    return Alarm(
        name="worker-not-running",
        title="Orders wait and the worker does not run",
        metrics={
            "waiting": queue_metric("ApproximateNumberOfMessagesVisible", QUEUE),
            "runs": function_metric("Invocations", PROCESS_ORDER.ref),
        },
        expression=f"IF({filled('runs')} == 0, {filled('waiting')}, 0)",
        threshold=Threshold(1, "messages", "nothing receives them"),
        period=MINUTE,
        # The metrics of the last minutes may not have arrived yet. Without them, the queue seems empty.
        periods=minutes + 3,
        to_alarm=minutes,
        missing="notBreaching",
        tier=Tier.PAGE,
        runbook="processing",
        why="Possible causes: the event source mapping is disabled, it cannot access its queue or key, or no "
        "concurrency is left. By default a mapping publishes no metrics, so the alarm compares the queue with the "
        "worker's invocations. With the default settings, it fires before orders are late.",
    )


def _concurrency(context: Context) -> tuple[Alarm, ...]:
    t = context.thresholds
    worker, account = context.limits.worker_concurrency, t.account_concurrency
    return tuple(
        Alarm(
            name=f"{name}-concurrency",
            title=f"{title} is close to its concurrency limit",
            metrics={"concurrency": function_metric("ConcurrentExecutions", function, "Maximum")},
            # Rounded up: if the limit is 2, one execution is not close to it.
            threshold=Threshold(math.ceil(t.concurrency_percent * limit / 100), "executions", f"the limit is {limit}"),
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
                "At its limit the worker gets no faster, even if more orders arrive.",
            ),
            (
                "account",
                "The account",
                None,
                account,
                "All functions of an account in a Region share this quota, and another function can use all of it.",
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
            threshold=Threshold(
                t.attempt_failure_percent, "percent", "one failing message alone does not raise this alarm"
            ),
            period=FIVE_MINUTES,
            periods=3,
            to_alarm=2,
            missing="notBreaching",
            tier=Tier.PAGE,
            runbook="processing",
            why="Partial batch failures are not in Lambda's Errors; only our own metric counts them.",
        ),
        Alarm(
            name="attempts-keep-failing",
            title="Attempts keep failing",
            metrics={"failed": failed},
            expression=filled("failed"),
            threshold=Threshold(1, "attempts", "one failure makes the period count as bad"),
            period=FIVE_MINUTES,
            periods=6,
            to_alarm=4,
            missing="notBreaching",
            tier=Tier.NOTIFY,
            runbook="processing",
            why="Few orders give too few attempts for a rate, so the alarm counts the periods with a failure.",
        ),
    )
