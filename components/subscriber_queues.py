"""The queues behind one subscriber, whoever delivers to it: one for what it could not get, and maybe its own."""

from dataclasses import dataclass
from typing import Literal

import pulumi
import pulumi_aws as aws

from components.component import Scope
from components.iam import allow_service
from components.queue import encrypted_queue, queue_policy, redrive_policy

# SQS counts a dead letter's age from its first queue, so this retention must be longer.
DELIVERY_FAILURE_RETENTION_SECONDS = 1_209_600
SUBSCRIBER_RETENTION_SECONDS = 345_600
SUBSCRIBER_RECEIVES = 5


@dataclass(frozen=True)
class SubscriberQueues:
    """Queues that were made for subscribers.

    Attributes:
        failed: Keeps what could not be delivered, and what the reader of `own` failed on.
        own: The subscriber's queue, if it is made here.
        policies: Let the deliverer send. Without them nothing is delivered and no failure is kept.
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
    """`{name}-dlq` and, with `makes_queue`, `{name}-queue`; `sender` may send to them on behalf of `source_arn`."""
    # `False` would override the inherited value.
    kept = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(protect=protect or None))

    def let_in(queue: aws.sqs.Queue, logical_name: str) -> aws.sqs.QueuePolicy:
        statement = allow_service(sender, "sqs:SendMessage", queue.arn, source_arn)
        return queue_policy(f"{logical_name}-policy", scope, queue, [statement], opts)

    # If the key fails, EventBridge has already taken the event; a failure queue under the same key would lose it. An
    # SNS topic under the key refuses the event, so the worker keeps its message.
    failures = scope.without_key() if sender == "events.amazonaws.com" else scope
    failed = encrypted_queue(
        f"{name}-dlq", failures, kept, retention_seconds=DELIVERY_FAILURE_RETENTION_SECONDS, fifo=fifo
    )
    policies: list[pulumi.Resource] = [let_in(failed, f"{name}-dlq")]
    if not makes_queue:
        return SubscriberQueues(failed, None, policies)
    own = encrypted_queue(
        f"{name}-queue",
        scope,
        kept,
        retention_seconds=SUBSCRIBER_RETENTION_SECONDS,
        # Messages that the reader fails on go to the queue of failed deliveries, so there is one place to look.
        redrive_policy=redrive_policy(failed, SUBSCRIBER_RECEIVES),
        fifo=fifo,
    )
    return SubscriberQueues(failed, own, [*policies, let_in(own, f"{name}-queue")])
