"""An SNS topic with its subscriptions."""

from typing import ClassVar

import pulumi
import pulumi_aws as aws
from pydantic import Field

from components.component import Args, Component, Scope
from components.iam import Grant, document, sid, tls_only
from components.queue import FIFO
from components.subscription import Subscription, TopicSubscriptionArgs
from components.subscription_args import SubscriptionArgs


class TopicArgs(Args):
    """Settings of a topic: its publishers and its subscriptions."""

    publishers: tuple[str, ...] = Field(
        min_length=1, description="Names of this account's roles that the topic's policy allows to publish."
    )
    fifo: bool = Field(
        default=False, description="Makes the topic FIFO: FIFO queues get each message group's messages in sequence."
    )
    subscriptions: tuple[SubscriptionArgs, ...] = Field(
        description="The subscribers; each has its queue of failed deliveries."
    )
    protect: bool = Field(
        default=False, description="Makes Pulumi refuse a plan that deletes or replaces the topic or its queues."
    )


class Topic(Component):
    """The topic, encrypted, with a policy that names its publishers and refuses plain HTTP.

    Outputs: `arn`, `topic_name`, `subscriber_queue_urls`. The last maps a subscription's name to the
    URL of its queue, if this component creates the queue.
    """

    kind: ClassVar[str] = "Topic"

    def __init__(self, name: str, scope: Scope, args: TopicArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, scope, opts)
        topic = aws.sns.Topic(
            name,
            # Without a customer managed key, SNS encrypts with AWS's key, for which publishers need no grant.
            aws.sns.TopicArgs(
                name=scope.name(name) + (FIFO if args.fifo else ""),
                fifo_topic=True if args.fifo else None,
                # The throughput limit applies to each message group, as in the queues, not to the whole topic.
                fifo_throughput_scope="MessageGroup" if args.fifo else None,
                kms_master_key_id="alias/aws/sns" if scope.key_arn is None else scope.key_arn,
                tags=scope.tags,
            ),
            self.child(protect=args.protect),
        )
        self.arn, self.topic_name = topic.arn, topic.name
        aws.sns.TopicPolicy(
            f"{name}-policy",
            aws.sns.TopicPolicyArgs(
                arn=topic.arn,
                policy=document(
                    [
                        # Not `sns:*`: SNS refuses a policy with actions that do not apply to topics.
                        tls_only(scope, ["sns:Publish", "sns:Subscribe"], topic.arn),
                        _publishers(topic.arn, args.publishers),
                    ]
                ),
            ),
            self.child(),
        )
        subscribed = {
            each.name: Subscription(
                f"{name}-{each.name}",
                scope,
                TopicSubscriptionArgs(topic_arn=topic.arn, fifo=args.fifo, subscriber=each, protect=args.protect),
                self.child(),
            )
            for each in args.subscriptions
        }
        self.subscriber_queue_urls: dict[str, pulumi.Output[str]] = {
            subscriber: subscription.queue_url
            for subscriber, subscription in subscribed.items()
            if subscription.queue_url is not None
        }
        self.register_outputs(
            {
                "arn": self.arn,
                "topic_name": self.topic_name,
                "subscriber_queue_urls": self.subscriber_queue_urls,
            }
        )

    def grant_publish(self) -> Grant:
        """Return the permission to publish."""
        return Grant(sid=sid(self.logical_name), actions=("sns:Publish",), resources=(self.arn,))


def _publishers(arn: pulumi.Output[str], role_names: tuple[str, ...]) -> dict[str, object]:
    # The roles are named in a condition, because SNS refuses a policy with principals that do not exist yet.
    return {
        "Sid": "NamedPublishers",
        "Effect": "Allow",
        "Principal": "*",
        "Action": ["sns:Publish"],
        "Resource": arn,
        "Condition": {
            "ArnEquals": {"aws:PrincipalArn": arn.apply(lambda arn: [_role(arn, name) for name in role_names])}
        },
    }


def _role(topic_arn: str, role_name: str) -> str:
    """Return the ARN of a role in the partition and account of the topic."""
    _, partition, _, _, account, _ = topic_arn.split(":", 5)
    return f"arn:{partition}:iam::{account}:role/{role_name}"
