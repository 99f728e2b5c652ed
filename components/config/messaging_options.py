"""What a stack can decide about how orders and events travel."""

from pydantic import BaseModel, Field


class MessagingOptions(BaseModel):
    """The part of `StackConfig` about queue and topic."""

    strict_ordering: bool = Field(
        default=False,
        description="Processes and notifies each caller's orders in the order they were accepted (FIFO).",
        json_schema_extra={
            "cost": "a quarter more per SQS request, and one invocation per order instead of one per ten",
            "consequence": "A failing order holds up its caller's later ones until it is done or dead-lettered "
            "(docs/ordering.md). Turning it on or off replaces queues and topic: empty them first.",
        },
    )
