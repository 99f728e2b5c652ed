"""SQS: queues and their policies."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from local.services.aws import Aws
from local.services.base import Created, Handler, Inputs, InputsT, Tags, as_attributes, gone_is_fine

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
    max_message_size: int | None = None
    message_retention_seconds: int | None = None
    policy: str | None = None
    receive_wait_time_seconds: int | None = None
    redrive_allow_policy: str | None = None
    redrive_policy: str | None = None
    sqs_managed_sse_enabled: bool | None = None
    tags: Tags
    visibility_timeout_seconds: int | None = None

    def attributes(self) -> dict[Any, str]:
        """As SQS's queue attributes; only what was given."""
        given = {
            "ContentBasedDeduplication": self.content_based_deduplication,
            "DeduplicationScope": self.deduplication_scope,
            "DelaySeconds": self.delay_seconds,
            # SQS refuses FifoQueue=false on a standard queue.
            "FifoQueue": self.fifo_queue or None,
            "FifoThroughputLimit": self.fifo_throughput_limit,
            "KmsDataKeyReusePeriodSeconds": self.kms_data_key_reuse_period_seconds,
            "KmsMasterKeyId": self.kms_master_key_id,
            "MaximumMessageSize": self.max_message_size,
            "MessageRetentionPeriod": self.message_retention_seconds,
            "Policy": self.policy,
            "ReceiveMessageWaitTimeSeconds": self.receive_wait_time_seconds,
            "RedriveAllowPolicy": self.redrive_allow_policy,
            "RedrivePolicy": self.redrive_policy,
            "SqsManagedSseEnabled": self.sqs_managed_sse_enabled,
            "VisibilityTimeout": self.visibility_timeout_seconds,
        }
        return as_attributes(given)


class Queue(Handler[QueueInputs]):
    """A queue. As in Pulumi, its id is its URL."""

    pulumi_type = "aws:sqs/queue:Queue"
    model = QueueInputs
    updatable = frozenset(
        {
            "delaySeconds",
            "maxMessageSize",
            "messageRetentionSeconds",
            "policy",
            "receiveWaitTimeSeconds",
            "redriveAllowPolicy",
            "redrivePolicy",
            "tags",
            "visibilityTimeoutSeconds",
        }
    )

    def create(self, aws: Aws, name: str, inputs: QueueInputs) -> Created:
        """Create it."""
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
        """Delete it with its messages."""
        gone_is_fine(aws.sqs.delete_queue, *_GONE, QueueUrl=id_)


class _QueueDocument(Handler[InputsT]):
    """One attribute of a queue that Pulumi models as a resource of its own. The id is the queue's URL."""

    attribute: ClassVar[Literal["Policy", "RedrivePolicy", "RedriveAllowPolicy"]]

    @abstractmethod
    def place(self, inputs: InputsT) -> tuple[str, str]:
        """The queue's URL and the document."""

    def create(self, aws: Aws, name: str, inputs: InputsT) -> Created:
        """Set it."""
        url, document = self.place(inputs)
        aws.sqs.set_queue_attributes(QueueUrl=url, Attributes={self.attribute: document})
        return Created(url)

    def update(self, aws: Aws, id_: str, old: InputsT, new: InputsT) -> Mapping[str, Any]:
        """Set the new one."""
        return self.create(aws, "", new).outputs

    def delete(self, aws: Aws, id_: str, inputs: InputsT) -> None:
        """Take it away."""
        gone_is_fine(aws.sqs.set_queue_attributes, *_GONE, QueueUrl=id_, Attributes={self.attribute: ""})


class QueuePolicyInputs(Inputs):
    """`aws:sqs/queuePolicy:QueuePolicy`."""

    queue_url: str
    policy: str


class QueuePolicy(_QueueDocument[QueuePolicyInputs]):
    """A queue's resource policy."""

    pulumi_type = "aws:sqs/queuePolicy:QueuePolicy"
    model = QueuePolicyInputs
    updatable = frozenset({"policy"})
    attribute = "Policy"

    def place(self, inputs: QueuePolicyInputs) -> tuple[str, str]:
        """The queue's URL and its policy."""
        return inputs.queue_url, inputs.policy


class RedriveAllowPolicyInputs(Inputs):
    """`aws:sqs/redriveAllowPolicy:RedriveAllowPolicy`."""

    queue_url: str
    redrive_allow_policy: str


class RedriveAllowPolicy(_QueueDocument[RedriveAllowPolicyInputs]):
    """Which queues may use this one as their dead-letter queue."""

    pulumi_type = "aws:sqs/redriveAllowPolicy:RedriveAllowPolicy"
    model = RedriveAllowPolicyInputs
    updatable = frozenset({"redriveAllowPolicy"})
    attribute = "RedriveAllowPolicy"

    def place(self, inputs: RedriveAllowPolicyInputs) -> tuple[str, str]:
        """The queue's URL and which queues may use it."""
        return inputs.queue_url, inputs.redrive_allow_policy


class RedrivePolicyInputs(Inputs):
    """`aws:sqs/redrivePolicy:RedrivePolicy`."""

    queue_url: str
    redrive_policy: str


class RedrivePolicy(_QueueDocument[RedrivePolicyInputs]):
    """A queue's dead-letter queue and receive count."""

    pulumi_type = "aws:sqs/redrivePolicy:RedrivePolicy"
    model = RedrivePolicyInputs
    updatable = frozenset({"redrivePolicy"})
    attribute = "RedrivePolicy"

    def place(self, inputs: RedrivePolicyInputs) -> tuple[str, str]:
        """The queue's URL, and its dead-letter queue with the receive count."""
        return inputs.queue_url, inputs.redrive_policy
