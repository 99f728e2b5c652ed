"""The queue of orders for the worker, and the topic or bus of outcomes for subscribers."""

from dataclasses import dataclass

from components.component import Scope, Text
from components.event_bus import EventBus, EventBusArgs
from components.queue import Queue, QueueArgs
from components.topic import Topic, TopicArgs
from pipeline.config import StackConfig


@dataclass(frozen=True)
class Messaging:
    """The orders queue with its dead-letter queue, and the topic or bus for outcomes."""

    queue: Queue
    notifications: Topic | EventBus

    @property
    def publishing(self) -> dict[str, Text]:
        """The worker's environment variable that names the topic or bus for outcomes."""
        if isinstance(self.notifications, EventBus):
            return {"NOTIFICATIONS_BUS_NAME": self.notifications.bus_name}
        return {"NOTIFICATIONS_TOPIC_ARN": self.notifications.arn}


def event_source(scope: Scope) -> str:
    """Return the `source` of every event of the stack, a URI reference."""
    return f"/{scope.prefix}"


def build_messaging(config: StackConfig, scope: Scope) -> Messaging:
    """Create the stack's queue, and its topic or bus."""
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
                protect=config.protect,
            ),
        ),
        notifications=_bus(config, scope) if config.events_target == "bus" else _topic(config, scope),
    )


def _topic(config: StackConfig, scope: Scope) -> Topic:
    return Topic(
        "notifications",
        scope,
        TopicArgs(
            publishers=(scope.name("process-order"),),
            subscriptions=config.subscriptions,
            fifo=config.strict_ordering,
            protect=config.protect,
        ),
    )


def _bus(config: StackConfig, scope: Scope) -> EventBus:
    # The bus must not have the topic's name, because the names of the subscribers' queues contain it. If it were the
    # same, a change of `events_target` would give the new queues the names of the old ones. Pulumi creates the new
    # queues, then deletes the old ones by name. So it would delete the new ones.
    return EventBus(
        "events",
        scope,
        EventBusArgs(source=event_source(scope), subscriptions=config.subscriptions, protect=config.protect),
    )
