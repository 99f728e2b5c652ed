"""What a stack can decide about how orders and events travel."""

from typing import Literal

from pydantic import BaseModel, Field


class MessagingOptions(BaseModel):
    """The part of `StackConfig` about queue, topic and bus."""

    events_target: Literal["topic", "bus"] = Field(
        default="topic",
        description="Where outcomes are published: an SNS topic, or an EventBridge bus that routes by their content.",
        json_schema_extra={
            "cost": "bus: 1.00 USD per million events, instead of the topic's 0.50 USD per million; either way "
            "deliveries to queues are free",
            "consequence": "bus: subscriptions filter by event_pattern, all are queues, none keeps order "
            "(docs/events.md). A change replaces topic or bus and the subscribers' queues: empty them first.",
        },
    )
    strict_ordering: bool = Field(
        default=False,
        description="Processes and notifies each caller's orders in the order they were accepted (FIFO).",
        json_schema_extra={
            "cost": "a quarter more per SQS request, and one invocation per order instead of one per ten",
            "consequence": "A failing order holds up its caller's later ones until it is done or dead-lettered "
            "(docs/ordering.md). Turning it on or off replaces queues and topic: empty them first.",
        },
    )
