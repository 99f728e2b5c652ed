"""SQS: queues and their policies."""

from collections.abc import Mapping
from typing import Any, ClassVar

from local.services.aws import Aws
from local.services.base import Attributed, Created, Inputs, ignore_gone, names

_GONE = ("AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist")


class Queue(Attributed):
    """A queue. As in Pulumi, its id is its URL."""

    pulumi_type = "aws:sqs/queue:Queue"
    service, noun, key = "sqs", "Queue", "QueueUrl"
    renamed: ClassVar = {
        "name": "QueueName",
        "maxMessageSize": "MaximumMessageSize",
        "messageRetentionSeconds": "MessageRetentionPeriod",
        "receiveWaitTimeSeconds": "ReceiveMessageWaitTimeSeconds",
        "visibilityTimeoutSeconds": "VisibilityTimeout",
    }
    separate = names(
        "contentBasedDeduplication deduplicationScope delaySeconds fifoQueue fifoThroughputLimit "
        "kmsDataKeyReusePeriodSeconds kmsMasterKeyId maxMessageSize messageRetentionSeconds policy "
        "receiveWaitTimeSeconds redriveAllowPolicy redrivePolicy sqsManagedSseEnabled visibilityTimeoutSeconds"
    )
    updatable = names(
        "delaySeconds maxMessageSize messageRetentionSeconds policy receiveWaitTimeSeconds redriveAllowPolicy "
        "redrivePolicy tags visibilityTimeoutSeconds"
    )
    gone = _GONE

    def update(self, aws: Aws, id_: str, old: Inputs, new: Inputs) -> Mapping[str, Any]:
        """Set only the attributes that changed, but set all tags. An empty value removes an attribute."""
        if differing := self.changed(old, new):
            self.call(aws, "SetQueueAttributes", {"attributes": differing}, QueueUrl=id_)
        before, after = old.get("tags") or {}, new.get("tags") or {}
        if lost := [key for key in before if key not in after]:
            aws.sqs.untag_queue(QueueUrl=id_, TagKeys=lost)
        if after:
            aws.sqs.tag_queue(QueueUrl=id_, Tags=after)
        return self.outputs(aws, id_, new, {})

    def outputs(self, aws: Aws, id_: str, inputs: Inputs, made: Mapping[str, Any]) -> dict[str, Any]:
        name = id_.rsplit("/", 1)[-1]
        return {"name": name, "url": id_, "arn": aws.arn("sqs", name)}


class _QueueDocument(Attributed):
    """A queue's attribute, which is a separate resource in Pulumi. Its id is the queue's URL."""

    service = "sqs"
    creates = "SetQueueAttributes"

    def create(self, aws: Aws, name: str, inputs: Inputs) -> Created:
        self.send(aws, self.creates, inputs)
        return Created(inputs["queueUrl"])

    def update(self, aws: Aws, id_: str, old: Inputs, new: Inputs) -> Mapping[str, Any]:
        return self.create(aws, id_, new).outputs

    def delete(self, aws: Aws, id_: str, inputs: Inputs) -> None:
        nothing = {**inputs, **dict.fromkeys(self.separate, "")}
        ignore_gone(lambda: self.send(aws, self.creates, nothing), *_GONE)


class QueuePolicy(_QueueDocument):
    """A queue's resource policy."""

    pulumi_type = "aws:sqs/queuePolicy:QueuePolicy"
    separate = updatable = names("policy")


class RedriveAllowPolicy(_QueueDocument):
    """The queues that may use this queue as their dead-letter queue."""

    pulumi_type = "aws:sqs/redriveAllowPolicy:RedriveAllowPolicy"
    separate = updatable = names("redriveAllowPolicy")
