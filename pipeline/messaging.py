"""What carries orders to the worker, and outcomes to whoever wants to know."""

from dataclasses import dataclass

from components.component import Scope
from components.config import StackConfig
from components.queue import Queue, QueueArgs
from components.topic import Topic, TopicArgs


@dataclass(frozen=True)
class Messaging:
    """The orders' queue, with its dead letters, and the topic of outcomes."""

    queue: Queue
    notifications: Topic


def build_messaging(config: StackConfig, scope: Scope) -> Messaging:
    """The stack's queue and topic."""
    return Messaging(
        queue=Queue(
            "orders-queue",
            scope,
            QueueArgs(
                visibility_timeout_seconds=config.queue_visibility_seconds,
                retention_seconds=config.queue_retention_seconds,
                dead_letter_retention_seconds=config.dlq_retention_seconds,
                max_receive_count=config.max_receive_count,
                fifo=config.strict_ordering,
            ),
        ),
        notifications=Topic(
            "notifications",
            scope,
            TopicArgs(
                publishers=(scope.name("process-order"),),
                subscriptions=config.subscriptions,
                fifo=config.strict_ordering,
            ),
        ),
    )
