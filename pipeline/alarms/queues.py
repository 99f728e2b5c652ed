"""Alarms on the queues, so that no message is lost or waits too long."""

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
    """Return the alarms on the messages' ages and on the dead-letter queue."""
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
            why="It shows how long customers wait. The metric ignores messages that were received at least three "
            "times. So most poison messages do not raise this alarm, but a slow worker does.",
        ),
    )


def _dead_letters() -> tuple[Alarm, ...]:
    return (
        Alarm(
            name="dead-letter-queue-not-empty",
            title="Orders are in the dead-letter queue",
            metrics=_DEAD_LETTERS,
            expression="visible + hidden",
            threshold=Threshold(1, "messages", "even one dead letter affects a customer"),
            period=MINUTE,
            periods=1,
            to_alarm=1,
            missing="ignore",
            tier=Tier.PAGE,
            runbook="dead-letters",
            why="It counts hidden messages too, so that reading the queue does not clear the alarm. A gap in the "
            "metric does not clear it either.",
        ),
        Alarm(
            name="order-dead-lettered",
            title="The worker could not process an order",
            metrics={
                "sent": own_metric("MessageDeadLettered", "worker"),
                "exhausted": own_metric("LastAttemptFailed", "worker"),
            },
            expression=filled("sent", "exhausted"),
            threshold=Threshold(1, "messages", "each one is a message that the worker no longer processes"),
            period=MINUTE,
            periods=20,
            to_alarm=1,
            missing="notBreaching",
            tier=Tier.PAGE,
            runbook="dead-letters",
            why="SQS's metrics of an idle queue are up to 15 minutes late; the worker's are not. So this alarm fires "
            "first. It lasts 20 minutes, so that `dead-letter-queue-not-empty` is raised within this time.",
        ),
        Alarm(
            name="dead-letters-old",
            title="Dead letters have waited for half an hour",
            metrics={"age": queue_metric("ApproximateAgeOfOldestMessage", DEAD_LETTER_QUEUE)},
            threshold=Threshold(
                1_800,
                "seconds",
                "longer than `order-dead-lettered` lasts (20 minutes); otherwise one dead letter would raise "
                "`further-dead-letters` too",
            ),
            period=FIVE_MINUTES,
            periods=1,
            to_alarm=1,
            # An idle queue stops publishing metrics after some hours, although it still contains messages.
            missing="ignore",
            tier=Tier.PAGE,
            runbook="dead-letters",
            why="It notifies nobody itself. While it is in alarm, each new dead letter raises the composite alarm "
            "`further-dead-letters`, which pages. Otherwise people would know only of the first dead letter.",
            anchor="further-dead-letters",
        ),
    )


def _retention(context: Context) -> tuple[Alarm, ...]:
    limits = context.limits
    # On a standard queue, a dead letter's retention counts from the original send, but its age
    # counts from the move to the dead-letter queue. After the move, SQS keeps it for at least
    # `dead_letter_retention - queue_retention`. The threshold is half of that.
    dead_letter_half = (limits.dead_letter_retention - limits.queue_retention) // 2
    return (
        Alarm(
            name="queue-retention-half",
            title="Orders have waited for half of the queue's retention",
            metrics={"age": queue_metric("ApproximateAgeOfOldestMessage", QUEUE)},
            threshold=Threshold(limits.queue_retention // 2, "seconds", "after twice this time, SQS deletes orders"),
            period=FIVE_MINUTES,
            periods=1,
            to_alarm=1,
            missing="notBreaching",
            tier=Tier.PAGE,
            runbook="processing",
            why="It is the last warning before accepted orders are lost, so no other alarm suppresses it.",
        ),
        Alarm(
            name="dead-letter-retention-half",
            title="Dead letters are old, and SQS may soon delete them",
            metrics={"age": queue_metric("ApproximateAgeOfOldestMessage", DEAD_LETTER_QUEUE)},
            threshold=Threshold(
                dead_letter_half,
                "seconds",
                "SQS keeps each message in this queue for at least twice this time",
            ),
            period=FIVE_MINUTES,
            periods=1,
            to_alarm=1,
            missing="notBreaching",
            tier=Tier.PAGE,
            runbook="dead-letters",
            why="It is the last warning before SQS deletes orders. On a standard queue, retention counts from the "
            "original send, but the metric counts from the move to this queue. SQS keeps a dead letter for "
            "at least the difference between the two queues' retentions; the threshold is half of that.",
        ),
    )
