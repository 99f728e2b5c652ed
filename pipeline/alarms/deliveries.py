"""Rows on deliveries of outcomes to subscribers: those of the topic, or those of the bus and each of its rules."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from components.alarms.model import Alarm, Metric, Ref, Threshold, Tier
from pipeline.alarms.context import (
    BUS,
    BUS_DEAD_LETTER_QUEUE,
    FIVE_MINUTES,
    MINUTE,
    TOPIC,
    Context,
    bus_rule,
    filled,
    queue_metric,
)

FAILED, REDRIVEN, LOST = "notifications-failed", "notifications-redriven", "notifications-lost"

_LOST: Final = (
    "{} dead-letter queue refused it: orders are right, a subscriber is wrong, and only publishing again mends it. "
    "It stays in alarm for 15 minutes, as one burst is one page."
)


@dataclass(frozen=True)
class _Outcome:
    """End of a delivery: the metric that counts it, and why that matters."""

    metric: str
    why: str


@dataclass(frozen=True)
class _Deliverer:
    """Differences between SNS and EventBridge.

    Attributes:
        outcomes: By heading: failed, redriven and lost deliveries.
        failed_periods: Periods, and how many of them have to breach, before a failure is heard.
        subscription: The one that is watched, where each has rows of its own; otherwise empty.
    """

    namespace: str
    outcomes: Mapping[str, _Outcome]
    failed_periods: tuple[int, int]
    subscription: str = ""

    @property
    def dimensions(self) -> dict[str, str | Ref]:
        """Those under which its metrics are published."""
        if self.subscription:
            return {"EventBusName": BUS, "RuleName": bus_rule(self.subscription)}
        return {"TopicName": TOPIC}


_TOPIC: Final = _Deliverer(
    namespace="AWS/SNS",
    outcomes={
        FAILED: _Outcome(
            "NumberOfNotificationsFailed",
            "SNS gave up on a subscriber. For HTTPS subscribers each failed try counts, so one does not alarm.",
        ),
        REDRIVEN: _Outcome(
            "NumberOfNotificationsRedrivenToDlq",
            "Every subscription has its own dead-letter queue; this sees all of them.",
        ),
        LOST: _Outcome("NumberOfNotificationsFailedToRedriveToDlq", _LOST.format("The subscription's")),
    },
    failed_periods=(3, 2),
)


def _rule(subscription: str) -> _Deliverer:
    return _Deliverer(
        namespace="AWS/Events",
        outcomes={
            FAILED: _Outcome(
                "FailedInvocations",
                "EventBridge gave up on the subscriber's queue: for good at once, as without a permission, or after "
                "a day.",
            ),
            REDRIVEN: _Outcome(
                "InvocationsSentToDlq",
                "The rule's target has its own dead-letter queue; what is there the subscriber does not know of.",
            ),
            LOST: _Outcome("InvocationsFailedToBeSentToDlq", _LOST.format("The target's")),
        },
        failed_periods=(1, 1),
        subscription=subscription,
    )


def delivery_alarms(context: Context) -> tuple[Alarm, ...]:
    """Rows on failed, kept and lost deliveries."""
    if context.bus_rules is None:
        return _rows(_TOPIC)
    of_rules = tuple(row for subscription in context.bus_rules for row in _rows(_rule(subscription)))
    return (*of_rules, _UNREADABLE) if context.bus_dead_letters else of_rules


_UNREADABLE: Final = Alarm(
    name="bus-dead-letter-queue-not-empty",
    title="Events wait in the bus's dead-letter queue",
    metrics={
        "visible": queue_metric("ApproximateNumberOfMessagesVisible", BUS_DEAD_LETTER_QUEUE),
        "hidden": queue_metric("ApproximateNumberOfMessagesNotVisible", BUS_DEAD_LETTER_QUEUE),
    },
    expression="visible + hidden",
    threshold=Threshold(1, "messages", "each is an event that no subscriber knows of"),
    period=MINUTE,
    periods=1,
    to_alarm=1,
    missing="ignore",
    # Not a notice, as for one subscriber's queue: all of them miss it, and the broken key guards the tables too.
    tier=Tier.PAGE,
    runbook="notifications",
    why="With `encryption: customer` EventBridge puts there what it took and cannot encrypt or decrypt: the stack's "
    "key is disabled, or its policy shuts EventBridge out. That is before any rule, so the rules' alarms may stay "
    "silent. SQS's metrics of a queue that was idle come up to 15 minutes late.",
)


def _rows(deliverer: _Deliverer) -> tuple[Alarm, ...]:
    whom = f" to {deliverer.subscription}" if deliverer.subscription else ""
    whose = f"{deliverer.subscription}'s" if deliverer.subscription else "a subscription's"
    periods, to_alarm = deliverer.failed_periods
    return (
        _row(deliverer, FAILED, f"Notifications{whom} are not delivered", "any", periods=periods, to_alarm=to_alarm),
        _row(
            deliverer,
            REDRIVEN,
            f"Notifications wait in {whose} dead-letter queue",
            "each is an event that somebody does not know of",
        ),
        _row(
            deliverer,
            LOST,
            f"Notifications{whom} are lost",
            "neither delivered nor kept",
            period=MINUTE,
            periods=15,
            tier=Tier.PAGE,
        ),
    )


def _row(
    deliverer: _Deliverer,
    heading: str,
    title: str,
    reason: str,
    *,
    period: int = FIVE_MINUTES,
    periods: int = 1,
    to_alarm: int = 1,
    tier: Tier = Tier.NOTIFY,
) -> Alarm:
    outcome = deliverer.outcomes[heading]
    return Alarm(
        name=f"{heading}-{deliverer.subscription}" if deliverer.subscription else heading,
        title=title,
        metrics={"notifications": Metric(deliverer.namespace, outcome.metric, deliverer.dimensions, "Sum")},
        expression=filled("notifications"),
        threshold=Threshold(1, "notifications", reason),
        period=period,
        periods=periods,
        to_alarm=to_alarm,
        missing="notBreaching",
        tier=tier,
        runbook="notifications",
        why=outcome.why,
        anchor=heading if deliverer.subscription else None,
    )
