"""SQS: queues and their policies."""

from collections.abc import Mapping
from typing import Any

from local.services.aws import Aws
from local.services.base import Created, Handler, Inputs, InputsT, Put, Tags, as_attributes, called, gone_is_fine, names

_GONE = ("AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist")


class QueueInputs(Inputs):
    """`aws:sqs/queue:Queue`."""

    name: str | None = None
    content_based_deduplication: bool | None = None
    deduplication_scope: str | None = None
    delay_seconds: int | None = None
    fifo_queue: bool | None = None
    fifo_throughput_limit: str | None = None
    kms_data_key_reuse_period_seconds: int | None = None
    kms_master_key_id: str | None = None
    max_message_size: int | None = called("MaximumMessageSize")
    message_retention_seconds: int | None = called("MessageRetentionPeriod")
    policy: str | None = None
    receive_wait_time_seconds: int | None = called("ReceiveMessageWaitTimeSeconds")
    redrive_allow_policy: str | None = None
    redrive_policy: str | None = None
    sqs_managed_sse_enabled: bool | None = None
    tags: Tags
    visibility_timeout_seconds: int | None = called("VisibilityTimeout")

    def attributes(self) -> dict[Any, str]:
        """As SQS's queue attributes; SQS refuses FifoQueue=false on a standard queue."""
        return as_attributes(self.parameters("name", "tags", *(() if self.fifo_queue else ("fifo_queue",))))


class Queue(Handler[QueueInputs]):
    """A queue. As in Pulumi, its id is its URL."""

    pulumi_type = "aws:sqs/queue:Queue"
    model = QueueInputs
    updatable = names(
        "delaySeconds maxMessageSize messageRetentionSeconds policy receiveWaitTimeSeconds redriveAllowPolicy "
        "redrivePolicy tags visibilityTimeoutSeconds"
    )

    def create(self, aws: Aws, name: str, inputs: QueueInputs) -> Created:
        queue_name = inputs.name or name
        url = aws.sqs.create_queue(QueueName=queue_name, Attributes=inputs.attributes(), tags=inputs.tags)["QueueUrl"]
        return Created(url, {"name": queue_name, "url": url, "arn": aws.arn("sqs", queue_name)})

    def update(self, aws: Aws, id_: str, old: QueueInputs, new: QueueInputs) -> Mapping[str, Any]:
        """Set the attributes and tags that changed; an empty value takes one away."""
        before, after = old.attributes(), new.attributes()
        changed = {key: after.get(key, "") for key in before | after if before.get(key) != after.get(key)}
        if changed:
            aws.sqs.set_queue_attributes(QueueUrl=id_, Attributes=changed)
        if lost := [key for key in old.tags if key not in new.tags]:
            aws.sqs.untag_queue(QueueUrl=id_, TagKeys=lost)
        if new.tags:
            aws.sqs.tag_queue(QueueUrl=id_, Tags=new.tags)
        queue_name = id_.rsplit("/", 1)[-1]
        return {"name": queue_name, "url": id_, "arn": aws.arn("sqs", queue_name)}

    def delete(self, aws: Aws, id_: str, inputs: QueueInputs) -> None:
        gone_is_fine(aws.sqs.delete_queue, *_GONE, QueueUrl=id_)


class _OfQueue(Inputs):
    queue_url: str

    def document(self) -> Any:
        """The one attribute."""
        return self.parameters("queue_url")


class QueuePolicyInputs(_OfQueue):
    """`aws:sqs/queuePolicy:QueuePolicy`."""

    policy: str


class RedriveAllowPolicyInputs(_OfQueue):
    """`aws:sqs/redriveAllowPolicy:RedriveAllowPolicy`."""

    redrive_allow_policy: str


class _QueueDocument(Put[InputsT]):
    """One attribute of a queue that Pulumi models as a resource of its own. The id is the queue's URL."""

    def create(self, aws: Aws, name: str, inputs: Any) -> Created:
        aws.sqs.set_queue_attributes(QueueUrl=inputs.queue_url, Attributes=inputs.document())
        return Created(inputs.queue_url)

    def delete(self, aws: Aws, id_: str, inputs: Any) -> None:
        gone_is_fine(
            aws.sqs.set_queue_attributes, *_GONE, QueueUrl=id_, Attributes=dict.fromkeys(inputs.document(), "")
        )


class QueuePolicy(_QueueDocument[QueuePolicyInputs]):
    """A queue's resource policy."""

    pulumi_type = "aws:sqs/queuePolicy:QueuePolicy"
    model = QueuePolicyInputs
    updatable = names("policy")


class RedriveAllowPolicy(_QueueDocument[RedriveAllowPolicyInputs]):
    """Which queues may use this one as their dead-letter queue."""

    pulumi_type = "aws:sqs/redriveAllowPolicy:RedriveAllowPolicy"
    model = RedriveAllowPolicyInputs
    updatable = names("redriveAllowPolicy")
