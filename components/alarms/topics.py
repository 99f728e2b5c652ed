"""One topic per tier: where alarms are published and who hears them."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.alarms.model import Tier
from components.alarms.settings import AlarmSettings, AlarmSubscription


@dataclass(frozen=True)
class AlarmTopicsArgs:
    """Inputs of `AlarmTopics`.

    Attributes:
        prefix: start of the physical names, `{project}-{stack}`.
        settings: subscriptions per tier and the optional key.
    """

    prefix: str
    settings: AlarmSettings


class AlarmTopics(pulumi.ComponentResource):
    """A topic for each tier with its policy and subscriptions.

    Attributes:
        arns: the topics' ARNs by tier.
    """

    arns: Mapping[Tier, pulumi.Output[str]]

    def __init__(self, name: str, args: AlarmTopicsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("orders:alarms:AlarmTopics", name, None, opts)
        subscriptions = {
            Tier.PAGE: args.settings.page,
            Tier.NOTIFY: args.settings.notify,
            Tier.TICKET: args.settings.ticket,
        }
        if not args.settings.page:
            pulumi.log.warn(
                "nobody is subscribed to pages: alarms that should wake somebody would fire unheard. "
                "Set alarms.page to a list of {protocol, endpoint}.",
                resource=self,
            )
        self.arns = {tier: self._topic(name, args, tier, subscriptions[tier]) for tier in Tier}
        self.register_outputs({f"{tier}_topic_arn": arn for tier, arn in self.arns.items()})

    def _topic(
        self, name: str, args: AlarmTopicsArgs, tier: Tier, subscriptions: tuple[AlarmSubscription, ...]
    ) -> pulumi.Output[str]:
        child = pulumi.ResourceOptions(parent=self)
        topic = aws.sns.Topic(
            f"{name}-{tier}",
            name=f"{args.prefix}-alarms-{tier}",
            display_name=f"{args.prefix} {tier}",
            kms_master_key_id=args.settings.topic_kms_key_arn,
            opts=child,
        )
        aws.sns.TopicPolicy(
            f"{name}-{tier}-policy",
            arn=topic.arn,
            policy=topic.arn.apply(lambda arn: topic_policy(arn, args.prefix)),
            opts=child,
        )
        for subscription in subscriptions:
            aws.sns.TopicSubscription(
                f"{name}-{tier}-{_digest(subscription)}",
                topic=topic.arn,
                protocol=subscription.protocol,
                endpoint=subscription.endpoint,
                opts=child,
            )
        return topic.arn


def topic_policy(topic_arn: str, prefix: str) -> str:
    """The policy that lets this stack's alarms, and nobody else, publish to the topic."""
    _, partition, _, region, account, _ = topic_arn.split(":", 5)
    alarms = f"arn:{partition}:cloudwatch:{region}:{account}:alarm:{prefix}-*"
    statement = {
        "Sid": "AlarmsPublish",
        "Effect": "Allow",
        "Principal": {"Service": "cloudwatch.amazonaws.com"},
        "Action": "sns:Publish",
        "Resource": topic_arn,
        "Condition": {"ArnLike": {"aws:SourceArn": alarms}, "StringEquals": {"aws:SourceAccount": account}},
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def _digest(subscription: AlarmSubscription) -> str:
    # By content, not by position: removing one receiver must not replace the others.
    text = f"{subscription.protocol} {subscription.endpoint}"
    return hashlib.sha256(text.encode()).hexdigest()[:8]
