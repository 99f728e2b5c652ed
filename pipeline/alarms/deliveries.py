"""Rows on deliveries of outcomes to subscribers: those of the topic, or those of each rule of the bus."""

from dataclasses import dataclass
from typing import Final

from components.alarms.model import Alarm, Metric, Threshold, Tier
from pipeline.alarms.context import BUS, FIVE_MINUTES, MINUTE, TOPIC, Context, bus_rule, filled

FAILED, REDRIVEN, LOST = "notifications-failed", "notifications-redriven", "notifications-lost"

_LOST: Final = (
    "{} dead-letter queue refused it: orders are right, a subscriber is wrong, and only publishing again mends it. "
    "It stays in alarm for 15 minutes, as one burst is one page."
)


@dataclass(frozen=True)
class _Deliverer:
    """What differs between SNS and EventBridge.

    Attributes:
        metric: Makes a metric of its name.
        names: The metrics' names, of failed, redriven and lost deliveries.
        whys: Why each of the three matters.
        failed_periods: Periods, and how many of them have to breach, before a failure is heard.
        subscription: The one that is watched, where each has rows of its own; otherwise empty.
    """

    namespace: str
    names: tuple[str, str, str]
    whys: tuple[str, str, str]
    failed_periods: tuple[int, int]
    subscription: str = ""

    def metric(self, which: int) -> dict[str, Metric]:
        """The metric behind the failed (0), redriven (1) or lost (2) deliveries."""
        dimensions = (
            {"EventBusName": BUS, "RuleName": bus_rule(self.subscription)}
            if self.subscription
            else {"TopicName": TOPIC}
        )
        return {"notifications": Metric(self.namespace, self.names[which], dimensions, "Sum")}


_TOPIC: Final = _Deliverer(
    namespace="AWS/SNS",
    names=(
        "NumberOfNotificationsFailed",
        "NumberOfNotificationsRedrivenToDlq",
        "NumberOfNotificationsFailedToRedriveToDlq",
    ),
    whys=(
        "SNS gave up on a subscriber. For HTTPS subscribers each failed try counts, so one does not alarm.",
        "Every subscription has its own dead-letter queue; this sees all of them.",
        _LOST.format("The subscription's"),
    ),
    failed_periods=(3, 2),
)


def _rule(subscription: str) -> _Deliverer:
    return _Deliverer(
        namespace="AWS/Events",
        names=("FailedInvocations", "InvocationsSentToDlq", "InvocationsFailedToBeSentToDlq"),
        whys=(
            "EventBridge gave up on the subscriber's queue: for good at once, as without a permission, or after a day.",
            "The rule's target has its own dead-letter queue; what is there the subscriber does not know of.",
            _LOST.format("The target's"),
        ),
        failed_periods=(1, 1),
        subscription=subscription,
    )


def delivery_alarms(context: Context) -> tuple[Alarm, ...]:
    """Rows on failed, kept and lost deliveries."""
    if context.bus_rules is None:
        return _rows(_TOPIC)
    return tuple(row for subscription in context.bus_rules for row in _rows(_rule(subscription)))


def _rows(deliverer: _Deliverer) -> tuple[Alarm, ...]:
    suffix = f"-{deliverer.subscription}" if deliverer.subscription else ""
    whom = f" to {deliverer.subscription}" if deliverer.subscription else ""
    where = "a subscription's" if not deliverer.subscription else f"{deliverer.subscription}'s"
    periods, to_alarm = deliverer.failed_periods
    return (
        Alarm(
            name=f"{FAILED}{suffix}",
            title=f"Notifications{whom} are not delivered",
            metrics=deliverer.metric(0),
            expression=filled("notifications"),
            threshold=Threshold(1, "notifications", "any"),
            period=FIVE_MINUTES,
            periods=periods,
            to_alarm=to_alarm,
            missing="notBreaching",
            tier=Tier.NOTIFY,
            runbook="notifications",
            why=deliverer.whys[0],
            anchor=FAILED if suffix else None,
        ),
        Alarm(
            name=f"{REDRIVEN}{suffix}",
            title=f"Notifications wait in {where} dead-letter queue",
            metrics=deliverer.metric(1),
            expression=filled("notifications"),
            threshold=Threshold(1, "notifications", "each is an event that somebody does not know of"),
            period=FIVE_MINUTES,
            periods=1,
            to_alarm=1,
            missing="notBreaching",
            tier=Tier.NOTIFY,
            runbook="notifications",
            why=deliverer.whys[1],
            anchor=REDRIVEN if suffix else None,
        ),
        Alarm(
            name=f"{LOST}{suffix}",
            title=f"Notifications{whom} are lost",
            metrics=deliverer.metric(2),
            expression=filled("notifications"),
            threshold=Threshold(1, "notifications", "neither delivered nor kept"),
            period=MINUTE,
            periods=15,
            to_alarm=1,
            missing="notBreaching",
            tier=Tier.PAGE,
            runbook="notifications",
            why=deliverer.whys[2],
            anchor=LOST if suffix else None,
        ),
    )
