"""Rows on the HTTP API and on what callers do with it."""

from components.alarms.model import DAY, Alarm, Metric, Threshold, Tier
from pipeline.alarms.context import CERTIFICATE, FIVE_MINUTES, Context, api_metric, filled, own_metric, percent


def api_alarms(context: Context) -> tuple[Alarm, ...]:
    """Rows on the API's answers, latency and certificate, and on idempotency, rejections and silence."""
    certificate = (_certificate(context),) if context.certificate else ()
    return (*_answers(context), *certificate, *_callers(context), *_business(context))


def _answers(context: Context) -> tuple[Alarm, ...]:
    t = context.thresholds
    return (
        Alarm(
            name="api-4xx-surge",
            title="Callers get unusually many 4xx",
            metrics={"errors": api_metric("4xx"), "requests": api_metric("Count")},
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
    )


def _certificate(context: Context) -> Alarm:
    return Alarm(
        name="certificate-expiry",
        title="The API's certificate ends soon",
        metrics={
            "days": Metric("AWS/CertificateManager", "DaysToExpiry", {"CertificateArn": CERTIFICATE}, "Minimum"),
        },
        threshold=Threshold(
            context.thresholds.certificate_days, "days", "time to renew it by hand", "LessThanThreshold"
        ),
        period=DAY,
        periods=1,
        to_alarm=1,
        # Published twice a day, and no longer once it has ended: the alarm must stay what it was.
        missing="ignore",
        tier=Tier.NOTIFY,
        region=context.certificate_region,
        runbook="api",
        why="A certificate that ends shuts every client out. One of ACM's that is not renewed by then has lost its DNS "
        "record; an imported one nobody renews but its owner.",
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
