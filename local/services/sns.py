"""SNS: topics, their policies and subscriptions."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from local.services.aws import Aws
from local.services.base import Created, Handler, Inputs, Put, Tags, as_attributes, gone_is_fine, names, tag_list

_GONE = ("NotFound", "NotFoundException")


class TopicInputs(Inputs):
    """`aws:sns/topic:Topic`."""

    name: str | None = None
    content_based_deduplication: bool | None = None
    delivery_policy: str | None = None
    display_name: str | None = None
    fifo_throughput_scope: str | None = None
    fifo_topic: bool | None = None
    kms_master_key_id: str | None = None
    policy: str | None = None
    signature_version: int | None = None
    tags: Tags
    tracing_config: str | None = None

    def attributes(self) -> dict[str, str]:
        """As SNS's topic attributes; only what was given."""
        return as_attributes(self.parameters("name", "tags", *(() if self.fifo_topic else ("fifo_topic",))))


def _set(call: Callable[..., Any], before: Mapping[str, str], after: Mapping[str, str], **which: str) -> None:
    """Set the attributes that changed, one by one; an empty value takes one away."""
    for key in {**before, **after}:
        if before.get(key) != after.get(key):
            call(**which, AttributeName=key, AttributeValue=after.get(key, ""))


class Topic(Handler[TopicInputs]):
    """A topic. Its id is its ARN."""

    pulumi_type = "aws:sns/topic:Topic"
    model = TopicInputs
    updatable = names("deliveryPolicy displayName fifoThroughputScope kmsMasterKeyId policy tracingConfig")

    def create(self, aws: Aws, name: str, inputs: TopicInputs) -> Created:
        topic_name = inputs.name or name
        made = aws.sns.create_topic(Name=topic_name, Attributes=inputs.attributes(), Tags=tag_list(inputs.tags))
        return Created(made["TopicArn"], {"name": topic_name, "arn": made["TopicArn"], "owner": aws.account_id})

    def update(self, aws: Aws, id_: str, old: TopicInputs, new: TopicInputs) -> Mapping[str, Any]:
        _set(aws.sns.set_topic_attributes, old.attributes(), new.attributes(), TopicArn=id_)
        return {"name": id_.rsplit(":", 1)[-1], "arn": id_, "owner": aws.account_id}

    def delete(self, aws: Aws, id_: str, inputs: TopicInputs) -> None:
        gone_is_fine(aws.sns.delete_topic, *_GONE, TopicArn=id_)


class TopicPolicyInputs(Inputs):
    """`aws:sns/topicPolicy:TopicPolicy`."""

    arn: str
    policy: str


class TopicPolicy(Put[TopicPolicyInputs]):
    """A topic's resource policy. Its id is the topic's ARN."""

    pulumi_type = "aws:sns/topicPolicy:TopicPolicy"
    model = TopicPolicyInputs
    updatable = names("policy")

    def create(self, aws: Aws, name: str, inputs: TopicPolicyInputs) -> Created:
        aws.sns.set_topic_attributes(TopicArn=inputs.arn, AttributeName="Policy", AttributeValue=inputs.policy)
        return Created(inputs.arn, {"owner": aws.account_id})

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
        return as_attributes(self.parameters("topic", "protocol", "endpoint"))


class TopicSubscription(Handler[TopicSubscriptionInputs]):
    """A subscription. Its id is its ARN."""

    pulumi_type = "aws:sns/topicSubscription:TopicSubscription"
    model = TopicSubscriptionInputs
    ignored: ClassVar[Mapping[str, str]] = {
        "confirmationTimeoutInMinutes": "how long the provider waits for an HTTPS endpoint; nothing waits here",
        "endpointAutoConfirms": "tells the provider whether to wait; nothing waits here",
    }
    updatable = names("deliveryPolicy filterPolicy filterPolicyScope rawMessageDelivery redrivePolicy")

    def create(self, aws: Aws, name: str, inputs: TopicSubscriptionInputs) -> Created:
        arn = aws.sns.subscribe(
            TopicArn=inputs.topic,
            Protocol=inputs.protocol,
            Endpoint=inputs.endpoint,
            Attributes=inputs.attributes(),
            ReturnSubscriptionArn=True,
        )["SubscriptionArn"]
        return Created(arn, self._outputs(aws, arn))

    def update(
        self, aws: Aws, id_: str, old: TopicSubscriptionInputs, new: TopicSubscriptionInputs
    ) -> Mapping[str, Any]:
        _set(aws.sns.set_subscription_attributes, old.attributes(), new.attributes(), SubscriptionArn=id_)
        return self._outputs(aws, id_)

    def delete(self, aws: Aws, id_: str, inputs: TopicSubscriptionInputs) -> None:
        gone_is_fine(aws.sns.unsubscribe, *_GONE, SubscriptionArn=id_)

    @staticmethod
    def _outputs(aws: Aws, arn: str) -> dict[str, Any]:
        return {"arn": arn, "ownerId": aws.account_id, "pendingConfirmation": False}
