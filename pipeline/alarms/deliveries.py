"""Alarms on the delivery of events to subscribers (by the topic or the bus's rules), and on the bus's dead letters."""

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
    "{} dead-letter queue refused the event. The orders are right, but a subscriber has missed an event, which must be "
    "published again. The alarm lasts 15 minutes, so that several losses page once."
)


@dataclass(frozen=True)
class _Outcome:
    """Result of a delivery: the metric that counts it, and why it matters."""

    metric: str
    why: str


@dataclass(frozen=True)
class _Deliverer:
    """What differs between the alarms on SNS and on EventBridge.

    Attributes:
        outcomes: The outcomes of a delivery: failed, moved to a dead-letter queue, lost. The key is
            the `heading` of the outcome's alarms.
        failed_periods: For failed deliveries: how many periods are evaluated, and how many of them must breach.
        subscription: The watched subscription to the bus. Empty for the topic: its alarms watch all subscriptions.
    """

    namespace: str
    outcomes: Mapping[str, _Outcome]
    failed_periods: tuple[int, int]
    subscription: str = ""

    @property
    def dimensions(self) -> dict[str, str | Ref]:
        """The dimensions of the deliverer's metrics."""
        if self.subscription:
            return {"EventBusName": BUS, "RuleName": bus_rule(self.subscription)}
        return {"TopicName": TOPIC}


_TOPIC: Final = _Deliverer(
    namespace="AWS/SNS",
    outcomes={
        FAILED: _Outcome(
            "NumberOfNotificationsFailed",
            "SNS stopped its retries, or (HTTPS subscribers only) one try failed and SNS will repeat it. So the alarm "
            "needs failures in two of three periods.",
        ),
        REDRIVEN: _Outcome(
            "NumberOfNotificationsRedrivenToDlq",
            "Each subscription has its own dead-letter queue; this alarm covers all of them.",
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
                "EventBridge stopped trying to deliver to the subscriber's queue: after a day of retries, or at once "
                "if a permission is missing.",
            ),
            REDRIVEN: _Outcome(
                "InvocationsSentToDlq",
                "The rule's target has its own dead-letter queue. The subscriber has missed the events in that queue.",
            ),
            LOST: _Outcome("InvocationsFailedToBeSentToDlq", _LOST.format("The target's")),
        },
        failed_periods=(1, 1),
        subscription=subscription,
    )


def delivery_alarms(context: Context) -> tuple[Alarm, ...]:
    """Return the alarms on failed deliveries, events in dead-letter queues, and lost events."""
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
    threshold=Threshold(1, "messages", "each is an event that no subscriber got"),
    period=MINUTE,
    periods=1,
    to_alarm=1,
    missing="ignore",
    # The alarm on a subscription's dead-letter queue only notifies. This alarm pages for two reasons: all subscribers
    # miss the events, and the stack's key may have failed. The tables need that key too.
    tier=Tier.PAGE,
    runbook="notifications",
    why="With `encryption: customer`, this queue gets the events that EventBridge cannot encrypt or decrypt. The cause "
    "is that the stack's key is disabled, or that its policy denies EventBridge. No rule gets such an event, so the "
    "rules' alarms can stay silent. SQS's metrics of an idle queue are up to 15 minutes late.",
)


def _rows(deliverer: _Deliverer) -> tuple[Alarm, ...]:
    whom = f" to {deliverer.subscription}" if deliverer.subscription else ""
    whose = f"{deliverer.subscription}'s" if deliverer.subscription else "a subscription's"
    periods, to_alarm = deliverer.failed_periods
    return (
        _row(
            deliverer,
            FAILED,
            f"Notifications{whom} are not delivered",
            "one failure makes the period count as bad" if periods > 1 else "one failed delivery is enough",
            periods=periods,
            to_alarm=to_alarm,
        ),
        _row(
            deliverer,
            REDRIVEN,
            f"Notifications wait in {whose} dead-letter queue",
            "each is an event that a subscriber missed",
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
