"""Connects a queue to a function: batches, partial failures and a limit on concurrent instances."""

from typing import ClassVar

import pulumi
import pulumi_aws as aws
from pydantic import Field

from components.component import Args, Component, Scope
from components.function import Function
from components.queue import Queue


class QueueConsumerArgs(Args):
    """Settings of an event source mapping: which function reads which queue, and how."""

    queue: Queue = Field(description="The queue that Lambda polls.")
    function: Function = Field(
        description="Called through its live alias. Its role needs `ReceiveMessage`, `DeleteMessage` and "
        "`GetQueueAttributes` on the queue."
    )
    batch_size: int = Field(ge=1, le=10_000, description="Maximum number of messages in one invocation.")
    batch_window_seconds: int = Field(
        ge=0, le=300, description="How long a batch may wait to fill up; it never waits with a FIFO queue."
    )
    maximum_concurrency: int = Field(
        ge=2, le=1_000, description="Maximum number of concurrent instances for this queue."
    )


class QueueConsumer(Component):
    """The event source mapping. Outputs: `mapping_id`."""

    kind: ClassVar[str] = "QueueConsumer"

    def __init__(
        self, name: str, scope: Scope, args: QueueConsumerArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(name, scope, opts)
        mapping = aws.lambda_.EventSourceMapping(
            f"{name}-mapping",
            aws.lambda_.EventSourceMappingArgs(
                event_source_arn=args.queue.arn,
                function_name=args.function.alias_arn,
                batch_size=args.batch_size,
                # Lambda refuses a batching window for FIFO queues.
                maximum_batching_window_in_seconds=None if args.queue.fifo else args.batch_window_seconds,
                # Without this, Lambda would ignore the list of failed items and delete the whole batch.
                function_response_types=["ReportBatchItemFailures"],
                scaling_config=aws.lambda_.EventSourceMappingScalingConfigArgs(
                    maximum_concurrency=args.maximum_concurrency
                ),
                tags=scope.tags,
            ),
            self.child(),
        )
        self.mapping_id = mapping.id
        self.register_outputs({"mapping_id": self.mapping_id})
