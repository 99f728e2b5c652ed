"""Alarms on the HTTP API, on its use by callers, and on missing or rejected orders."""

from components.alarms.model import DAY, Alarm, Metric, Threshold, Tier
from pipeline.alarms.context import CERTIFICATE, FIVE_MINUTES, Context, api_metric, filled, own_metric, percent


def api_alarms(context: Context) -> tuple[Alarm, ...]:
    """Return the alarms on the API's answers, latency and certificate, on idempotency, and on orders that are missing
    or rejected."""
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
            threshold=Threshold(
                t.api_4xx_percent, "percent", "a higher share means a client's faulty release or an attack"
            ),
            period=FIVE_MINUTES,
            periods=2,
            to_alarm=2,
            missing="notBreaching",
            tier=Tier.NOTIFY,
            runbook="api",
            why="A few refused requests are the callers' problem. If most requests are refused, there is probably a "
            "common cause. 401 and 429 count too.",
        ),
        Alarm(
            name="api-latency",
            title="The API is slow",
            metrics={"latency": api_metric("Latency", "p99")},
            threshold=Threshold(t.api_p99_ms, "milliseconds", "a cold start stays below it"),
            period=FIVE_MINUTES,
            periods=3,
            to_alarm=3,
            missing="notBreaching",
            tier=Tier.NOTIFY,
            runbook="api",
            why="Slow answers make callers retry. Few requests are enough for the alarm, so it works in a quiet shop "
            "too.",
            low_samples="evaluate",
        ),
    )


def _certificate(context: Context) -> Alarm:
    return Alarm(
        name="certificate-expiry",
        title="The API's certificate expires soon",
        metrics={
            "days": Metric("AWS/CertificateManager", "DaysToExpiry", {"CertificateArn": CERTIFICATE}, "Minimum"),
        },
        threshold=Threshold(
            context.thresholds.certificate_days, "days", "enough time to renew it by hand", "LessThanThreshold"
        ),
        period=DAY,
        periods=1,
        to_alarm=1,
        # ACM publishes the metric twice a day until the certificate expires. Afterwards the alarm must keep its state.
        missing="ignore",
        tier=Tier.NOTIFY,
        region=context.certificate_region,
        runbook="api",
        why="With an expired certificate, no client can connect. If ACM issued the certificate and has not renewed it "
        "by now, look for a missing DNS record. ACM does not renew an imported certificate: its owner must.",
    )


def _callers(context: Context) -> tuple[Alarm, ...]:
    t = context.thresholds
    return (
        Alarm(
            name="idempotency-conflicts",
            title="Many retries arrive while the first attempt still runs",
            metrics={"conflicts": own_metric("IdempotencyConflict", "api")},
            expression=filled("conflicts"),
            threshold=Threshold(t.idempotency_conflicts, "requests", "impatient clients cause fewer than this"),
            period=FIVE_MINUTES,
            periods=2,
            to_alarm=2,
            missing="notBreaching",
            tier=Tier.NOTIFY,
            runbook="api",
            why="A client ignores Retry-After, or first attempts hang until their lease ends.",
        ),
        Alarm(
            name="idempotency-mismatches",
            title="A key is reused with other bodies",
            metrics={"mismatches": own_metric("IdempotencyMismatch", "api")},
            expression=filled("mismatches"),
            threshold=Threshold(t.idempotency_mismatches, "requests", "a developer's experiments cause fewer"),
            period=FIVE_MINUTES,
            periods=2,
            to_alarm=2,
            missing="notBreaching",
            tier=Tier.NOTIFY,
            runbook="api",
            why="A client makes wrong keys and its orders are refused, or our code compares bodies in a new way.",
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
        threshold=Threshold(t.rejected_percent, "percent", "more means wrong stock data or an article that is gone"),
        period=3 * FIVE_MINUTES,
        periods=1,
        to_alarm=1,
        missing="notBreaching",
        tier=Tier.NOTIFY,
        runbook="business",
        why="There is no technical error, but the shop loses sales.",
    )
    if not t.expected_orders_per_hour:
        return (rejected,)
    silence = Alarm(
        name="orders-missing",
        title="Fewer orders arrive than expected",
        metrics={"accepted": own_metric("OrderAccepted", "api")},
        expression=filled("accepted"),
        threshold=Threshold(
            t.expected_orders_per_hour / 2,
            "orders per half hour",
            f"{t.expected_orders_per_hour} per hour are expected",
            "LessThanThreshold",
        ),
        period=6 * FIVE_MINUTES,
        periods=2,
        to_alarm=2,
        missing="breaching",
        tier=Tier.PAGE,
        runbook="business",
        why="Requests that never arrive (DNS, certificates, a client's release) cause no error here. They only "
        "leave a gap in the metric, so a gap counts as 0.",
    )
    return (rejected, silence)
