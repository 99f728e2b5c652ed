"""Rows on the functions: errors, throttles, time and concurrency."""

import math

from components.alarms.model import Alarm, Threshold, Tier
from pipeline.alarms.context import FIVE_MINUTES, Context, filled, function_metric, own_metric, percent
from pipeline.functions import API_FUNCTIONS, FUNCTIONS, PROCESS_ORDER, ApiFunction, Worker


def function_alarms(context: Context) -> tuple[Alarm, ...]:
    """Rows on every function and on the worker's attempts."""
    return (
        *(_errors(context, each, "api") for each in API_FUNCTIONS),
        *(_throttles(context, each, "api", Tier.PAGE) for each in API_FUNCTIONS),
        _errors(context, PROCESS_ORDER, "processing"),
        _throttles(context, PROCESS_ORDER, "processing", Tier.NOTIFY),
        *(_duration(context, each) for each in FUNCTIONS),
        *_concurrency(context),
        *_attempts(context),
    )


def _errors(context: Context, function: ApiFunction | Worker, runbook: str) -> Alarm:
    t = context.thresholds
    worker = isinstance(function, Worker)
    return Alarm(
        name=f"{function.alarm_name}-errors",
        title=f"The function {function.alarm_name} fails",
        metrics={
            "errors": function_metric("Errors", function.ref),
            "runs": function_metric("Invocations", function.ref),
        },
        expression=percent("errors", ("runs",), t.rate_minimum_events),
        threshold=Threshold(t.function_error_percent, "percent", "more than chance, less than an outage"),
        period=FIVE_MINUTES,
        periods=3 if worker else 1,
        to_alarm=2 if worker else 1,
        missing="notBreaching",
        tier=Tier.PAGE,
        runbook=runbook,
        why="Crashes, timeouts and memory kills: what the code could not report. "
        + ("Messages are retried, so it may last some minutes first." if worker else "A caller got a 5xx for each."),
    )


def _throttles(context: Context, function: ApiFunction | Worker, runbook: str, tier: Tier) -> Alarm:
    return Alarm(
        name=f"{function.alarm_name}-throttles",
        title=f"The function {function.alarm_name} is throttled",
        metrics={"throttles": function_metric("Throttles", function.ref)},
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


def _duration(context: Context, function: ApiFunction | Worker) -> Alarm:
    share, timeout = context.thresholds.duration_percent_of_timeout, context.limits.timeouts[function.name]
    return Alarm(
        name=f"{function.alarm_name}-duration",
        title=f"The function {function.alarm_name} runs close to its timeout",
        metrics={"duration": function_metric("Duration", function.ref, "Maximum")},
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
