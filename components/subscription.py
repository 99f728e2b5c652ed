"""One subscriber of a topic, and the queue that keeps what could not be delivered to it."""

from collections.abc import Mapping
from typing import ClassVar

import pulumi
import pulumi_aws as aws

from components.component import Component, Scope
from components.iam import allow_service
from components.queue import encrypted_queue, queue_policy, redrive_policy
from components.subscription_args import FilterValue, SubscriptionArgs

DELIVERY_FAILURE_RETENTION_SECONDS = 1_209_600
SUBSCRIBER_RECEIVES = 5


class Subscription(Component):
    """The subscription with its queue of failed deliveries, and the subscriber's queue if it is made here.

    Outputs: `dead_letter_url`, `dead_letter_name`, `queue_url` (`None` when the endpoint is somebody else's).
    """

    kind: ClassVar[str] = "Subscription"

    def __init__(
        self,
        name: str,
        scope: Scope,
        topic_arn: pulumi.Output[str],
        args: SubscriptionArgs,
        opts: pulumi.ResourceOptions | None = None,
        *,
        fifo: bool = False,
    ) -> None:
        super().__init__(name, scope, opts)
        self._fifo = fifo
        failed = encrypted_queue(
            f"{name}-dlq", scope, self.child(), retention_seconds=DELIVERY_FAILURE_RETENTION_SECONDS, fifo=fifo
        )
        failed_policy = self._let_topic_send(f"{name}-dlq-policy", failed, topic_arn)
        makes_queue = args.protocol == "sqs" and not args.endpoint
        own = self._own_queue(failed) if makes_queue else None
        own_policy = [self._let_topic_send(f"{name}-queue-policy", own, topic_arn)] if own else []
        aws.sns.TopicSubscription(
            name,
            aws.sns.TopicSubscriptionArgs(
                topic=topic_arn,
                protocol=args.protocol,
                endpoint=own.arn if own else args.endpoint,
                filter_policy=_filter_json(args.filter_policy),
                filter_policy_scope="MessageAttributes" if args.filter_policy else None,
                raw_message_delivery=args.raw_message_delivery,
                redrive_policy=pulumi.Output.json_dumps({"deadLetterTargetArn": failed.arn}),
            ),
            # Before the policies are there, nothing can be delivered, and no failure be kept.
            self.child(depends_on=[failed_policy, *own_policy]),
        )
        self.queue_url = own.id if own else None
        self.dead_letter_url, self.dead_letter_name = failed.id, failed.name
        self.register_outputs(
            {
                "queue_url": self.queue_url,
                "dead_letter_url": self.dead_letter_url,
                "dead_letter_name": self.dead_letter_name,
            }
        )

    def _own_queue(self, failed: aws.sqs.Queue) -> aws.sqs.Queue:
        return encrypted_queue(
            f"{self.logical_name}-queue",
            self.scope,
            self.child(),
            retention_seconds=DELIVERY_FAILURE_RETENTION_SECONDS,
            # What its reader fails on ends where failed deliveries do: one place to look per subscriber.
            redrive_policy=redrive_policy(failed, SUBSCRIBER_RECEIVES),
            fifo=self._fifo,
        )

    def _let_topic_send(self, name: str, queue: aws.sqs.Queue, topic_arn: pulumi.Output[str]) -> aws.sqs.QueuePolicy:
        statement = allow_service("sns.amazonaws.com", "sqs:SendMessage", queue.arn, topic_arn)
        return queue_policy(name, self.scope, queue, [statement], self.child())


def _filter_json(policy: Mapping[str, list[FilterValue]]) -> pulumi.Output[str] | None:
    return pulumi.Output.json_dumps(dict(policy), sort_keys=True) if policy else None
