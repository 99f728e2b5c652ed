"""The SNS topics of the alarms, one per tier, with their subscriptions."""

import hashlib
from collections.abc import Mapping
from typing import ClassVar

import pulumi
import pulumi_aws as aws
from pydantic import Field

from components.alarms.model import Tier
from components.alarms.settings import AlarmSettings, AlarmSubscription
from components.component import Args, Component, Scope
from components.iam import document, tls_only


class AlarmTopicsArgs(Args):
    """Receivers of the alarms."""

    settings: AlarmSettings = Field(description="Subscriptions per tier, and the key that encrypts the topics.")
    tiers: tuple[Tier, ...] = Field(default=tuple(Tier), description="Tiers that have a topic.")
    region: str | None = Field(
        default=None,
        description="Region of the topics, by default the stack's. The key is used only in the stack's Region.",
    )


class AlarmTopics(Component):
    """A topic for each tier with its policy and subscriptions.

    Outputs: `arns`, the topics' ARNs by tier.
    """

    kind: ClassVar[str] = "AlarmTopics"

    def __init__(
        self, name: str, scope: Scope, args: AlarmTopicsArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(name, scope, opts)
        self._region, settings = args.region, args.settings
        subscriptions = {Tier.PAGE: settings.page, Tier.NOTIFY: settings.notify, Tier.TICKET: settings.ticket}
        self.arns: Mapping[Tier, pulumi.Output[str]] = {
            tier: self._topic(settings, tier, subscriptions[tier]) for tier in args.tiers
        }
        self.register_outputs({"arns": {str(tier): arn for tier, arn in self.arns.items()}})

    def _topic(
        self, settings: AlarmSettings, tier: Tier, subscriptions: tuple[AlarmSubscription, ...]
    ) -> pulumi.Output[str]:
        name = f"{self.logical_name}-{tier}"
        key = settings.topic_kms_key_arn if self.scope.key_arn is None else self.scope.key_arn
        topic = aws.sns.Topic(
            name,
            aws.sns.TopicArgs(
                name=self.scope.name(f"alarms-{tier}" if self._region is None else f"alarms-{tier}-{self._region}"),
                region=self._region,
                display_name=self.scope.name(tier),
                # Never AWS's own key: CloudWatch cannot use that key, so no alarm would be delivered.
                kms_master_key_id=key if self._region is None else None,
                tags=self.scope.tags,
            ),
            self.child(),
        )
        statements = [
            tls_only(self.scope, ["sns:Publish", "sns:Subscribe"], topic.arn),
            _alarms_publish(topic.arn, self.scope.prefix),
        ]
        aws.sns.TopicPolicy(
            f"{name}-policy",
            aws.sns.TopicPolicyArgs(arn=topic.arn, region=self._region, policy=document(statements)),
            self.child(),
        )
        for subscription in subscriptions:
            aws.sns.TopicSubscription(
                f"{name}-{_digest(subscription)}",
                aws.sns.TopicSubscriptionArgs(
                    topic=topic.arn,
                    region=self._region,
                    protocol=subscription.protocol,
                    endpoint=subscription.endpoint,
                ),
                self.child(),
            )
        return topic.arn


def _alarms_publish(topic_arn: pulumi.Output[str], prefix: str) -> dict[str, object]:
    """Return the statement that lets this stack's alarms publish to the topic."""
    return {
        "Sid": "AlarmsPublish",
        "Effect": "Allow",
        "Principal": {"Service": "cloudwatch.amazonaws.com"},
        "Action": ["sns:Publish"],
        "Resource": topic_arn,
        "Condition": {"ArnLike": {"aws:SourceArn": topic_arn.apply(lambda arn: _alarms_of(arn, prefix))}},
    }


def _alarms_of(topic_arn: str, prefix: str) -> str:
    """Return the ARN pattern of the stack's alarms, in the partition, Region and account of the topic."""
    _, partition, _, region, account, _ = topic_arn.split(":", 5)
    return f"arn:{partition}:cloudwatch:{region}:{account}:alarm:{prefix}-*"


def _digest(subscription: AlarmSubscription) -> str:
    # A subscription is named after its receiver, not after its position, so that the removal of one receiver does not
    # replace other subscriptions.
    text = f"{subscription.protocol} {subscription.endpoint}"
    return hashlib.sha256(text.encode()).hexdigest()[:8]
