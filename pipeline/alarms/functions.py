"""Rows on the functions: errors, throttles, time and concurrency."""

import math

from components.alarms.model import Alarm, Ref, Threshold, Tier
from pipeline.alarms.context import (
    CREATE_ORDER,
    FIVE_MINUTES,
    GET_ORDER,
    PROCESS_ORDER,
    Context,
    filled,
    function_metric,
    own_metric,
    percent,
)

_API_FUNCTIONS = (("create-order", CREATE_ORDER), ("get-order", GET_ORDER))


def function_alarms(context: Context) -> tuple[Alarm, ...]:
    """Rows on all three functions and on the worker's attempts."""
    limits = context.limits
    timeouts = {
        "create-order": (CREATE_ORDER, limits.create_order_timeout),
        "get-order": (GET_ORDER, limits.get_order_timeout),
        "worker": (PROCESS_ORDER, limits.process_order_timeout),
    }
    return (
        *(_errors(context, name, function, "api", Tier.PAGE) for name, function in _API_FUNCTIONS),
        *(_throttles(context, name, function, "api", Tier.PAGE) for name, function in _API_FUNCTIONS),
        _errors(context, "worker", PROCESS_ORDER, "processing", Tier.PAGE),
        _throttles(context, "worker", PROCESS_ORDER, "processing", Tier.NOTIFY),
        *(_duration(context, name, function, timeout) for name, (function, timeout) in timeouts.items()),
        *_concurrency(context),
        *_attempts(context),
    )


def _errors(context: Context, name: str, function: Ref, runbook: str, tier: Tier) -> Alarm:
    t = context.thresholds
    worker = runbook == "processing"
    return Alarm(
        name=f"{name}-errors",
        title=f"The function {name} fails",
        metrics={"errors": function_metric("Errors", function), "runs": function_metric("Invocations", function)},
        expression=percent("errors", ("runs",), t.rate_minimum_events),
        threshold=Threshold(t.function_error_percent, "percent", "more than chance, less than an outage"),
        period=FIVE_MINUTES,
        periods=3 if worker else 1,
        to_alarm=2 if worker else 1,
        missing="notBreaching",
        tier=tier,
        runbook=runbook,
        why="Crashes, timeouts and memory kills: what the code could not report. "
        + ("Messages are retried, so it may last some minutes first." if worker else "A caller got a 5xx for each."),
    )


def _throttles(context: Context, name: str, function: Ref, runbook: str, tier: Tier) -> Alarm:
    return Alarm(
        name=f"{name}-throttles",
        title=f"The function {name} is throttled",
        metrics={"throttles": function_metric("Throttles", function)},
        expression=filled("throttles"),
        threshold=Threshold(context.thresholds.throttled_invocations, "invocations", "more than one burst's edge"),
        period=FIVE_MINUTES,
        periods=1,
        to_alarm=1,
        missing="notBreaching",
        tier=tier,
        runbook=runbook,
        why="Throttled calls are neither invocations nor errors: no other alarm sees them.",
    )


def _duration(context: Context, name: str, function: Ref, timeout: int) -> Alarm:
    share = context.thresholds.duration_percent_of_timeout
    return Alarm(
        name=f"{name}-duration",
        title=f"The function {name} runs close to its timeout",
        metrics={"duration": function_metric("Duration", function, "Maximum")},
        threshold=Threshold(share * 10 * timeout, "milliseconds", f"{share:g} % of the timeout of {timeout} s"),
        period=FIVE_MINUTES,
        periods=3,
        to_alarm=2,
        missing="notBreaching",
        tier=Tier.TICKET,
        runbook="capacity",
        why="A run that reaches its timeout is killed without a word; this says so before.",
        anchor="duration-near-timeout",
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
                PROCESS_ORDER,
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
        Alarm(
            name="settlement-conflicts",
            title="One article is so popular that settlements collide",
            metrics={"conflicts": own_metric("TransactionConflict", "worker")},
            expression=filled("conflicts"),
            threshold=Threshold(t.transaction_conflicts, "retries", "in-process retries still absorb this"),
            period=FIVE_MINUTES,
            periods=3,
            to_alarm=3,
            missing="notBreaching",
            tier=Tier.TICKET,
            runbook="capacity",
            why="Conflicts are normal on a popular article and cost nothing until they outlive their retries.",
        ),
        Alarm(
            name="settlement-latency",
            title="Orders take long from accepted to settled",
            metrics={"latency": own_metric("AcceptedToSettledLatency", "worker", "p95")},
            threshold=Threshold(t.settled_latency_ms, "milliseconds", "half of the promise to customers"),
            period=FIVE_MINUTES,
            periods=3,
            to_alarm=3,
            missing="notBreaching",
            tier=Tier.NOTIFY,
            runbook="processing",
            why="End to end, as the customer waits. A redrive of old orders raises it too, which wakes nobody.",
            low_samples="evaluate",
        ),
    )
