"""An SNS topic that fans out, with its subscriptions."""

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
    """A topic, who may publish to it, and who hears of it."""

    publishers: tuple[str, ...] = Field(
        min_length=1, description="Names of this account's roles that the topic's own policy lets publish."
    )
    fifo: bool = Field(default=False, description="Keeps order within each message group; takes FIFO queues only.")
    subscriptions: tuple[SubscriptionArgs, ...] = Field(description="Who is told; each has its own queue of failures.")
    protect: bool = Field(
        default=False, description="Makes Pulumi refuse a plan that deletes or replaces topic and queues."
    )


class Topic(Component):
    """The topic, encrypted, with a policy that names its publishers and refuses plain http.

    Outputs: `arn`, `topic_name`, `subscriber_queue_urls` (of the queues made here, by subscription).
    """

    kind: ClassVar[str] = "Topic"

    def __init__(self, name: str, scope: Scope, args: TopicArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, scope, opts)
        topic = aws.sns.Topic(
            name,
            # AWS's own key: every principal that may use SNS in this account may use it, without further grants.
            aws.sns.TopicArgs(
                name=scope.name(name) + (FIFO if args.fifo else ""),
                fifo_topic=True if args.fifo else None,
                # As its queues: the limit counts per group, not for the whole topic.
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
                        # SNS refuses policies with actions that are not a topic's, so no `sns:*` here.
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
        """Permission to publish."""
        return Grant(sid=sid(self.logical_name), actions=("sns:Publish",), resources=(self.arn,))


def _publishers(arn: pulumi.Output[str], role_names: tuple[str, ...]) -> dict[str, object]:
    # A condition and not a principal: SNS refuses principals that don't exist yet, and the roles need the topic first.
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
    """The ARN of a role in the topic's own partition and account."""
    _, partition, _, _, account, _ = topic_arn.split(":", 5)
    return f"arn:{partition}:iam::{account}:role/{role_name}"
