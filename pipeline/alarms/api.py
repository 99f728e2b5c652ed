"""Rows on the HTTP API and on what callers do with it."""

from components.alarms.model import Alarm, Threshold, Tier
from pipeline.alarms.context import FIVE_MINUTES, Context, api_metric, filled, own_metric, percent


def api_alarms(context: Context) -> tuple[Alarm, ...]:
    """Rows on the API's answers and latency, and on idempotency, rejections and silence."""
    return (*_answers(context), *_callers(context), *_business(context))


def _answers(context: Context) -> tuple[Alarm, ...]:
    t = context.thresholds
    requests = api_metric("Count")
    return (
        Alarm(
            name="api-5xx-rate",
            title="The API answers with 5xx",
            metrics={"errors": api_metric("5xx"), "requests": requests},
            expression=percent("errors", ("requests",), t.rate_minimum_events),
            threshold=Threshold(t.api_5xx_percent, "percent", "callers retry, but not for ever"),
            period=FIVE_MINUTES,
            periods=1,
            to_alarm=1,
            missing="notBreaching",
            tier=Tier.PAGE,
            runbook="api",
            why="What callers see, whoever causes it. The window slides, so it fires within a minute or two.",
        ),
        Alarm(
            name="api-4xx-surge",
            title="Callers get unusually many 4xx",
            metrics={"errors": api_metric("4xx"), "requests": requests},
            expression=percent("errors", ("requests",), t.api_4xx_minimum),
            threshold=Threshold(t.api_4xx_percent, "percent", "a client's release or an attack"),
            period=FIVE_MINUTES,
            periods=2,
            to_alarm=2,
            missing="notBreaching",
            tier=Tier.NOTIFY,
            runbook="api",
            why="Refusals are the callers' business until they are most of the traffic (429 and 401 are in it).",
        ),
        Alarm(
            name="api-latency",
            title="The API is slow",
            metrics={"latency": api_metric("Latency", "p99")},
            threshold=Threshold(t.api_p99_ms, "milliseconds", "a cold start stays below"),
            period=FIVE_MINUTES,
            periods=3,
            to_alarm=3,
            missing="notBreaching",
            tier=Tier.NOTIFY,
            runbook="api",
            why="Slow answers make callers retry; few samples are judged too, or quiet shops would never hear.",
            low_samples="evaluate",
        ),
        Alarm(
            name="api-dependency-failures",
            title="The API answers that an outcome is unknown",
            metrics={"failures": own_metric("DependencyFailure", "api")},
            expression=filled("failures"),
            threshold=Threshold(t.dependency_failures, "requests", "more than a retried blip"),
            period=FIVE_MINUTES,
            periods=1,
            to_alarm=1,
            missing="notBreaching",
            tier=Tier.PAGE,
            runbook="api",
            why="Our own 503s: the outcome is unknown to the caller. Unexpected errors of our code are among them; "
            "the log tells which.",
        ),
    )


def _callers(context: Context) -> tuple[Alarm, ...]:
    t = context.thresholds
    return (
        Alarm(
            name="idempotency-conflicts",
            title="Many retries arrive while the first attempt still runs",
            metrics={"conflicts": own_metric("IdempotencyConflict", "api")},
            expression=filled("conflicts"),
            threshold=Threshold(t.idempotency_conflicts, "requests", "above what impatient clients do"),
            period=FIVE_MINUTES,
            periods=2,
            to_alarm=2,
            missing="notBreaching",
            tier=Tier.NOTIFY,
            runbook="api",
            why="Either a client ignores Retry-After, or first attempts hang until their lease ends.",
        ),
        Alarm(
            name="idempotency-mismatches",
            title="A key is reused with other bodies",
            metrics={"mismatches": own_metric("IdempotencyMismatch", "api")},
            expression=filled("mismatches"),
            threshold=Threshold(t.idempotency_mismatches, "requests", "above a developer's experiments"),
            period=FIVE_MINUTES,
            periods=2,
            to_alarm=2,
            missing="notBreaching",
            tier=Tier.NOTIFY,
            runbook="api",
            why="A client makes its keys wrongly and its orders are refused; or our canonical body changed.",
        ),
    )


def _business(context: Context) -> tuple[Alarm, ...]:
    t = context.thresholds
    rejected = Alarm(
        name="rejection-rate",
        title="Unusually many orders are rejected",
        metrics={
            "rejected": own_metric("OrderRejected", "worker"),
            "confirmed": own_metric("OrderConfirmed", "worker"),
        },
        expression=percent("rejected", ("rejected", "confirmed"), t.rejected_minimum),
        threshold=Threshold(t.rejected_percent, "percent", "stock data is wrong or an article is gone"),
        period=3 * FIVE_MINUTES,
        periods=1,
        to_alarm=1,
        missing="notBreaching",
        tier=Tier.NOTIFY,
        runbook="business",
        why="Technically all is well, and the shop does not sell.",
    )
    if not t.expected_orders_per_hour:
        return (rejected,)
    silence = Alarm(
        name="orders-missing",
        title="Fewer orders arrive than should",
        metrics={"accepted": own_metric("OrderAccepted", "api")},
        expression=filled("accepted"),
        threshold=Threshold(
            t.expected_orders_per_hour / 2,
            "orders per half hour",
            f"half of the expected {t.expected_orders_per_hour} per hour",
            "LessThanThreshold",
        ),
        period=6 * FIVE_MINUTES,
        periods=2,
        to_alarm=2,
        missing="breaching",
        tier=Tier.PAGE,
        runbook="business",
        why="What never reaches us raises no error: DNS, certificates, a client's release. No data is the "
        "symptom here, so gaps are filled with 0.",
    )
    return (rejected, silence)
