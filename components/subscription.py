"""One subscriber of a topic, with its queue of failed deliveries."""

from collections.abc import Mapping
from typing import ClassVar

import pulumi
import pulumi_aws as aws
from pydantic import Field, JsonValue

from components.component import Args, Component, Scope
from components.subscriber_queues import subscriber_queues
from components.subscription_args import SubscriptionArgs


class TopicSubscriptionArgs(Args):
    """The topic, and one subscriber of its messages."""

    topic_arn: pulumi.Output[str] = Field(description="The topic.")
    fifo: bool = Field(description="Whether the topic is FIFO; then the queues created here are FIFO too.")
    subscriber: SubscriptionArgs = Field(description="The subscriber and its filter.")
    protect: bool = Field(
        default=False, description="Makes Pulumi refuse a plan that deletes or replaces the subscriber's queues."
    )


class Subscription(Component):
    """The subscription with its queue of failed deliveries, and the subscriber's queue if the component creates it.

    Outputs: `dead_letter_url`, `dead_letter_name`, `queue_url` (`None` if the component did not create the queue).
    """

    kind: ClassVar[str] = "Subscription"

    def __init__(
        self,
        name: str,
        scope: Scope,
        args: TopicSubscriptionArgs,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__(name, scope, opts)
        subscriber = args.subscriber
        queues = subscriber_queues(
            name,
            scope,
            self.child(),
            sender="sns.amazonaws.com",
            source_arn=args.topic_arn,
            makes_queue=subscriber.makes_queue,
            protect=args.protect,
            fifo=args.fifo,
        )
        aws.sns.TopicSubscription(
            name,
            aws.sns.TopicSubscriptionArgs(
                topic=args.topic_arn,
                protocol=subscriber.protocol,
                endpoint=queues.own.arn if queues.own else subscriber.endpoint,
                filter_policy=_filter_json(subscriber.filter_policy),
                filter_policy_scope="MessageAttributes" if subscriber.filter_policy else None,
                raw_message_delivery=subscriber.raw_message_delivery,
                redrive_policy=pulumi.Output.json_dumps({"deadLetterTargetArn": queues.failed.arn}),
            ),
            self.child(depends_on=queues.policies),
        )
        self.queue_url = queues.own.id if queues.own else None
        self.dead_letter_url, self.dead_letter_name = queues.failed.id, queues.failed.name
        self.register_outputs(
            {
                "queue_url": self.queue_url,
                "dead_letter_url": self.dead_letter_url,
                "dead_letter_name": self.dead_letter_name,
            }
        )


def _filter_json(policy: Mapping[str, list[JsonValue]]) -> pulumi.Output[str] | None:
    return pulumi.Output.json_dumps(dict(policy), sort_keys=True) if policy else None
