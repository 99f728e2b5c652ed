"""SNS: topics, their policies and subscriptions."""

from collections.abc import Mapping
from typing import Any, ClassVar

from local.services.aws import Aws
from local.services.base import Created, Handler, Inputs, Tags, as_attributes, gone_is_fine, tag_list

_GONE = ("NotFound", "NotFoundException")


class TopicInputs(Inputs):
    """`aws:sns/topic:Topic`."""

    name: str | None = None
    content_based_deduplication: bool | None = None
    delivery_policy: str | None = None
    display_name: str | None = None
    fifo_topic: bool | None = None
    kms_master_key_id: str | None = None
    policy: str | None = None
    signature_version: int | None = None
    tags: Tags
    tracing_config: str | None = None

    def attributes(self) -> dict[str, str]:
        """As SNS's topic attributes; only what was given."""
        given = {
            "ContentBasedDeduplication": self.content_based_deduplication,
            "DeliveryPolicy": self.delivery_policy,
            "DisplayName": self.display_name,
            "FifoTopic": self.fifo_topic or None,
            "KmsMasterKeyId": self.kms_master_key_id,
            "Policy": self.policy,
            "SignatureVersion": self.signature_version,
            "TracingConfig": self.tracing_config,
        }
        return as_attributes(given)


class Topic(Handler[TopicInputs]):
    """A topic. Its id is its ARN."""

    pulumi_type = "aws:sns/topic:Topic"
    model = TopicInputs
    updatable = frozenset({"deliveryPolicy", "displayName", "kmsMasterKeyId", "policy", "tracingConfig"})

    def create(self, aws: Aws, name: str, inputs: TopicInputs) -> Created:
        """Create it."""
        topic_name = inputs.name or name
        arn = aws.sns.create_topic(Name=topic_name, Attributes=inputs.attributes(), Tags=tag_list(inputs.tags))[
            "TopicArn"
        ]
        return Created(arn, {"name": topic_name, "arn": arn, "owner": aws.account_id})

    def update(self, aws: Aws, id_: str, old: TopicInputs, new: TopicInputs) -> Mapping[str, Any]:
        """Set the attributes that changed."""
        before, after = old.attributes(), new.attributes()
        for key in before | after:
            if before.get(key) != after.get(key):
                aws.sns.set_topic_attributes(TopicArn=id_, AttributeName=key, AttributeValue=after.get(key, ""))
        return {"name": id_.rsplit(":", 1)[-1], "arn": id_, "owner": aws.account_id}

    def delete(self, aws: Aws, id_: str, inputs: TopicInputs) -> None:
        """Delete it with its subscriptions."""
        gone_is_fine(aws.sns.delete_topic, *_GONE, TopicArn=id_)


class TopicPolicyInputs(Inputs):
    """`aws:sns/topicPolicy:TopicPolicy`."""

    arn: str
    policy: str


class TopicPolicy(Handler[TopicPolicyInputs]):
    """A topic's resource policy."""

    pulumi_type = "aws:sns/topicPolicy:TopicPolicy"
    model = TopicPolicyInputs
    updatable = frozenset({"policy"})

    def create(self, aws: Aws, name: str, inputs: TopicPolicyInputs) -> Created:
        """Set it; the id is the topic's ARN."""
        aws.sns.set_topic_attributes(TopicArn=inputs.arn, AttributeName="Policy", AttributeValue=inputs.policy)
        return Created(inputs.arn, {"owner": aws.account_id})

    def update(self, aws: Aws, id_: str, old: TopicPolicyInputs, new: TopicPolicyInputs) -> Mapping[str, Any]:
        """Set the new one."""
        return self.create(aws, "", new).outputs

    def delete(self, aws: Aws, id_: str, inputs: TopicPolicyInputs) -> None:
        """Nothing to do: a topic always has a policy, and it goes with the topic."""


class TopicSubscriptionInputs(Inputs):
    """`aws:sns/topicSubscription:TopicSubscription`."""

    topic: str
    protocol: str
    endpoint: str
    delivery_policy: str | None = None
    filter_policy: str | None = None
    filter_policy_scope: str | None = None
    raw_message_delivery: bool | None = None
    redrive_policy: str | None = None

    def attributes(self) -> dict[str, str]:
        """As SNS's subscription attributes; only what was given."""
        given = {
            "DeliveryPolicy": self.delivery_policy,
            "FilterPolicy": self.filter_policy,
            "FilterPolicyScope": self.filter_policy_scope,
            "RawMessageDelivery": self.raw_message_delivery,
            "RedrivePolicy": self.redrive_policy,
        }
        return as_attributes(given)


class TopicSubscription(Handler[TopicSubscriptionInputs]):
    """A subscription. Its id is its ARN."""

    pulumi_type = "aws:sns/topicSubscription:TopicSubscription"
    model = TopicSubscriptionInputs
    ignored: ClassVar[Mapping[str, str]] = {
        "confirmationTimeoutInMinutes": "how long the provider waits for an HTTPS endpoint; nothing waits here",
        "endpointAutoConfirms": "tells the provider whether to wait; nothing waits here",
    }
    updatable = frozenset(
        {"deliveryPolicy", "filterPolicy", "filterPolicyScope", "rawMessageDelivery", "redrivePolicy"}
    )

    def create(self, aws: Aws, name: str, inputs: TopicSubscriptionInputs) -> Created:
        """Subscribe."""
        arn = aws.sns.subscribe(
            TopicArn=inputs.topic,
            Protocol=inputs.protocol,
            Endpoint=inputs.endpoint,
            Attributes=inputs.attributes(),
            ReturnSubscriptionArn=True,
        )["SubscriptionArn"]
        return Created(arn, {"arn": arn, "ownerId": aws.account_id, "pendingConfirmation": False})

    def update(
        self, aws: Aws, id_: str, old: TopicSubscriptionInputs, new: TopicSubscriptionInputs
    ) -> Mapping[str, Any]:
        """Set the attributes that changed."""
        before, after = old.attributes(), new.attributes()
        for key in before | after:
            if before.get(key) != after.get(key):
                aws.sns.set_subscription_attributes(
                    SubscriptionArn=id_, AttributeName=key, AttributeValue=after.get(key, "")
                )
        return {"arn": id_, "ownerId": aws.account_id, "pendingConfirmation": False}

    def delete(self, aws: Aws, id_: str, inputs: TopicSubscriptionInputs) -> None:
        """Unsubscribe."""
        gone_is_fine(aws.sns.unsubscribe, *_GONE, SubscriptionArn=id_)
