"""The queues of one subscriber of a topic or bus: one for failed deliveries, and optionally its own queue."""

from dataclasses import dataclass
from typing import Literal

import pulumi
import pulumi_aws as aws

from components.component import Scope
from components.iam import allow_service
from components.queue import encrypted_queue, queue_policy, redrive_policy

# The retention of a dead letter from a standard queue counts from the original send. So this value must exceed
# `SUBSCRIBER_RETENTION_SECONDS`.
DELIVERY_FAILURE_RETENTION_SECONDS = 1_209_600
SUBSCRIBER_RETENTION_SECONDS = 345_600
SUBSCRIBER_RECEIVES = 5


@dataclass(frozen=True)
class SubscriberQueues:
    """The queues of a subscriber.

    Attributes:
        failed: Keeps failed deliveries, and the messages of `own` that its reader could not process.
        own: The subscriber's queue, if the component created one.
        policies: Allow SNS or EventBridge to send. Without them nothing is delivered to `own`, and `failed` gets no
            failed deliveries.
    """

    failed: aws.sqs.Queue
    own: aws.sqs.Queue | None
    policies: list[pulumi.Resource]


def subscriber_queues(
    name: str,
    scope: Scope,
    opts: pulumi.ResourceOptions,
    *,
    sender: Literal["sns.amazonaws.com", "events.amazonaws.com"],
    source_arn: pulumi.Output[str],
    makes_queue: bool,
    protect: bool,
    fifo: bool = False,
) -> SubscriberQueues:
    """Create `{name}-dlq` and, with `makes_queue`, `{name}-queue`. `sender` may send to them for `source_arn` only."""
    # `None` keeps the inherited `protect`; `False` would override it.
    queue_opts = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(protect=protect or None))

    def allow_sender(queue: aws.sqs.Queue, logical_name: str) -> aws.sqs.QueuePolicy:
        statement = allow_service(sender, "sqs:SendMessage", queue.arn, source_arn)
        return queue_policy(f"{logical_name}-policy", scope, queue, [statement], opts)

    # EventBridge accepts an event even while the customer managed key fails. A failure queue with the same key would
    # then lose the event. SNS refuses events while the key fails, and the worker then retries the order. So only
    # EventBridge's failure queue is created without the key.
    failure_scope = scope.without_key() if sender == "events.amazonaws.com" else scope
    failed = encrypted_queue(
        f"{name}-dlq", failure_scope, queue_opts, retention_seconds=DELIVERY_FAILURE_RETENTION_SECONDS, fifo=fifo
    )
    policies: list[pulumi.Resource] = [allow_sender(failed, f"{name}-dlq")]
    if not makes_queue:
        return SubscriberQueues(failed, None, policies)
    own = encrypted_queue(
        f"{name}-queue",
        scope,
        queue_opts,
        retention_seconds=SUBSCRIBER_RETENTION_SECONDS,
        # Messages that the reader cannot process go to the queue of failed deliveries, so failures are in one place.
        redrive_policy=redrive_policy(failed, SUBSCRIBER_RECEIVES),
        fifo=fifo,
    )
    return SubscriberQueues(failed, own, [*policies, allow_sender(own, f"{name}-queue")])
