"""SNS: topics, their policies and subscriptions."""

from collections.abc import Mapping
from typing import Any, ClassVar

from local.services.aws import Aws
from local.services.base import Attributed, Created, Handler, Inputs, names


class _Attributed(Attributed):
    service = "sns"
    gone = ("NotFound", "NotFoundException")

    def update(self, aws: Aws, id_: str, old: Inputs, new: Inputs) -> Mapping[str, Any]:
        """Set the attributes that changed, one by one."""
        for key, value in self.changed(old, new).items():
            given = {"attributeName": key, "attributeValue": value}
            self.call(aws, f"Set{self.noun}Attributes", given, **self.which(id_))
        return self.outputs(aws, id_, new, {})


class Topic(_Attributed):
    """A topic. Its id is its ARN."""

    pulumi_type = "aws:sns/topic:Topic"
    noun, key = "Topic", "TopicArn"
    separate = names(
        "contentBasedDeduplication deliveryPolicy displayName fifoThroughputScope fifoTopic kmsMasterKeyId policy "
        "signatureVersion tracingConfig"
    )
    updatable = names("deliveryPolicy displayName fifoThroughputScope kmsMasterKeyId policy tracingConfig")

    def outputs(self, aws: Aws, id_: str, inputs: Inputs, made: Mapping[str, Any]) -> dict[str, Any]:
        return {"name": id_.rsplit(":", 1)[-1], "arn": id_, "owner": aws.account_id}


class TopicPolicy(Handler):
    """A topic's resource policy. Its id is the topic's ARN."""

    pulumi_type = "aws:sns/topicPolicy:TopicPolicy"
    service = "sns"
    creates = "SetTopicAttributes"
    renamed: ClassVar = {"arn": "TopicArn", "policy": "AttributeValue"}
    defaults: ClassVar = {"attributeName": "Policy"}
    updatable = names("policy")

    def create(self, aws: Aws, name: str, inputs: Inputs) -> Created:
        self.send(aws, self.creates, inputs)
        return Created(inputs["arn"], {"owner": aws.account_id})

    def update(self, aws: Aws, id_: str, old: Inputs, new: Inputs) -> Mapping[str, Any]:
        return self.create(aws, id_, new).outputs

    def delete(self, aws: Aws, id_: str, inputs: Inputs) -> None:
        """Do nothing, because a topic always has a policy, which is deleted with the topic."""


class TopicSubscription(_Attributed):
    """A subscription. Its id is its ARN."""

    pulumi_type = "aws:sns/topicSubscription:TopicSubscription"
    noun, key = "Subscription", "SubscriptionArn"
    creates, deletes = "Subscribe", "Unsubscribe"
    renamed: ClassVar = {"topic": "TopicArn"}
    defaults: ClassVar = {"returnSubscriptionArn": True}
    separate = names("deliveryPolicy filterPolicy filterPolicyScope rawMessageDelivery redrivePolicy")
    ignored: ClassVar[Mapping[str, str]] = {
        "confirmationTimeoutInMinutes": "how long the provider waits for an HTTPS endpoint; the emulator does not wait",
        "endpointAutoConfirms": "sets whether the provider waits; the emulator does not wait",
    }
    updatable = separate

    def outputs(self, aws: Aws, id_: str, inputs: Inputs, made: Mapping[str, Any]) -> dict[str, Any]:
        return {"arn": id_, "ownerId": aws.account_id, "pendingConfirmation": False}
