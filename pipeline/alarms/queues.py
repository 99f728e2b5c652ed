"""Rows on the queues: nothing is lost, nothing waits too long."""

from components.alarms.model import Alarm, Threshold, Tier
from pipeline.alarms.context import (
    DEAD_LETTER_QUEUE,
    FIVE_MINUTES,
    MINUTE,
    QUEUE,
    Context,
    filled,
    own_metric,
    queue_metric,
)

_DEAD_LETTERS = {
    "visible": queue_metric("ApproximateNumberOfMessagesVisible", DEAD_LETTER_QUEUE),
    "hidden": queue_metric("ApproximateNumberOfMessagesNotVisible", DEAD_LETTER_QUEUE),
}


def queue_alarms(context: Context) -> tuple[Alarm, ...]:
    """Rows on ages and the dead-letter queue."""
    return (*_waiting(context), *_dead_letters(), *_retention(context))


def _waiting(context: Context) -> tuple[Alarm, ...]:
    promise = context.limits.objectives.promise_seconds
    return (
        Alarm(
            name="oldest-message-age",
            title="Orders wait longer than customers were promised",
            metrics={"age": queue_metric("ApproximateAgeOfOldestMessage", QUEUE)},
            threshold=Threshold(promise, "seconds", "the promise to customers"),
            period=MINUTE,
            periods=5,
            to_alarm=3,
            missing="notBreaching",
            tier=Tier.PAGE,
            runbook="processing",
            why="The customer's view of the backlog. SQS drops messages received three times from this metric, "
            "so it shows that nobody works, not that some messages are poison.",
        ),
    )


def _dead_letters() -> tuple[Alarm, ...]:
    return (
        Alarm(
            name="dead-letter-queue-not-empty",
            title="Orders are in the dead-letter queue",
            metrics=_DEAD_LETTERS,
            expression="visible + hidden",
            threshold=Threshold(1, "messages", "a single lost order is one customer's order"),
            period=MINUTE,
            periods=1,
            to_alarm=1,
            missing="ignore",
            tier=Tier.PAGE,
            runbook="dead-letters",
            why="Visible plus hidden, so that looking at the queue does not clear the page; a gap in the metric "
            "does not clear it either.",
        ),
        Alarm(
            name="order-dead-lettered",
            title="The worker gave up on an order",
            metrics={
                "sent": own_metric("MessageDeadLettered", "worker"),
                "exhausted": own_metric("LastAttemptFailed", "worker"),
            },
            expression=filled("sent", "exhausted"),
            threshold=Threshold(1, "orders", "each is an order that nobody works on any more"),
            period=MINUTE,
            periods=20,
            to_alarm=1,
            missing="notBreaching",
            tier=Tier.PAGE,
            runbook="dead-letters",
            why="SQS metrics of an idle queue lag by up to 15 minutes; ours do not. It stays in alarm for 20 minutes "
            "so that the queue's own metric takes over without a gap.",
        ),
        Alarm(
            name="dead-letters-old",
            title="Dead letters wait for half an hour",
            metrics={"age": queue_metric("ApproximateAgeOfOldestMessage", DEAD_LETTER_QUEUE)},
            threshold=Threshold(1_800, "seconds", "longer than `order-dead-lettered` stays in alarm for one order"),
            period=FIVE_MINUTES,
            periods=1,
            to_alarm=1,
            # An idle queue publishes nothing after some hours, and its messages are there all the same.
            missing="ignore",
            tier=Tier.PAGE,
            runbook="dead-letters",
            why="Says nothing alone. Together with a new dead letter it is a page of its own: whoever knows of the "
            "first must hear of the next.",
            anchor="further-dead-letters",
        ),
    )


def _retention(context: Context) -> tuple[Alarm, ...]:
    limits = context.limits
    # A dead letter's life counts from its original send, its age metric from the move: half of what is certainly left.
    dead_letter_half = (limits.dead_letter_retention - limits.queue_retention) // 2
    return (
        Alarm(
            name="queue-retention-half",
            title="Orders have waited for half of the queue's retention",
            metrics={"age": queue_metric("ApproximateAgeOfOldestMessage", QUEUE)},
            threshold=Threshold(limits.queue_retention // 2, "seconds", "after the other half SQS deletes orders"),
            period=FIVE_MINUTES,
            periods=1,
            to_alarm=1,
            missing="notBreaching",
            tier=Tier.PAGE,
            runbook="processing",
            why="The last warning before accepted orders are lost; it pages again although older pages are open.",
        ),
        Alarm(
            name="dead-letter-retention-half",
            title="Dead letters have waited for half of their life",
            metrics={"age": queue_metric("ApproximateAgeOfOldestMessage", DEAD_LETTER_QUEUE)},
            threshold=Threshold(dead_letter_half, "seconds", "half of the life left when a dead letter arrives"),
            period=FIVE_MINUTES,
            periods=1,
            to_alarm=1,
            missing="notBreaching",
            tier=Tier.PAGE,
            runbook="dead-letters",
            why="The last warning before SQS deletes orders. A dead letter's life counts from its original send, "
            "the metric from the move, so the queue's retention is taken off first.",
        ),
    )
