"""An SQS queue with its dead-letter queue, which keeps messages that failed too often."""

from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal

import pulumi
import pulumi_aws as aws
from pydantic import Field

from components.component import Args, Component, Scope
from components.iam import Grant, document, sid, tls_only

FIFO = ".fifo"
"""AWS requires this suffix in the names of FIFO queues and topics."""

QueueAction = Literal["ReceiveMessage", "DeleteMessage", "GetQueueAttributes", "ChangeMessageVisibility", "SendMessage"]


class QueueArgs(Args):
    """A queue and the dead-letter queue behind it."""

    visibility_timeout_seconds: int = Field(
        ge=0, le=43_200, description="How long a received message is hidden before it is delivered again."
    )
    retention_seconds: int = Field(ge=60, le=1_209_600, description="How long a message is kept if nobody deletes it.")
    dead_letter_retention_seconds: int = Field(
        ge=60,
        le=1_209_600,
        description="How long a dead letter is kept; a standard queue counts from the original send.",
    )
    max_receive_count: int = Field(
        ge=1, le=1_000, description="Number of receives after which SQS moves a message to the dead-letter queue."
    )
    fifo: bool = Field(default=False, description="Makes both queues FIFO: they keep each message group's sequence.")
    protect: bool = Field(
        default=False, description="Makes Pulumi refuse a plan that deletes or replaces one of the two queues."
    )


class Queue(Component):
    """The queue, its dead-letter queue, and TLS-only policies on both.

    Outputs: `url`, `arn`, `queue_name`, `dead_letter_url`, `dead_letter_arn`, `dead_letter_name`.
    """

    kind: ClassVar[str] = "Queue"

    def __init__(self, name: str, scope: Scope, args: QueueArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, scope, opts)
        dead = encrypted_queue(
            f"{name}-dlq",
            scope,
            self.child(protect=args.protect),
            retention_seconds=args.dead_letter_retention_seconds,
            fifo=args.fifo,
        )
        queue = encrypted_queue(
            name,
            scope,
            self.child(protect=args.protect),
            retention_seconds=args.retention_seconds,
            visibility_timeout_seconds=args.visibility_timeout_seconds,
            redrive_policy=redrive_policy(dead, args.max_receive_count),
            fifo=args.fifo,
        )
        aws.sqs.RedriveAllowPolicy(
            f"{name}-dlq-sources",
            aws.sqs.RedriveAllowPolicyArgs(
                queue_url=dead.id,
                redrive_allow_policy=pulumi.Output.json_dumps(
                    {"redrivePermission": "byQueue", "sourceQueueArns": [queue.arn]}, sort_keys=True
                ),
            ),
            self.child(),
        )
        queue_policy(f"{name}-policy", scope, queue, (), self.child())
        queue_policy(f"{name}-dlq-policy", scope, dead, (), self.child())
        self.url, self.arn, self.queue_name = queue.id, queue.arn, queue.name
        self.dead_letter_url, self.dead_letter_arn, self.dead_letter_name = dead.id, dead.arn, dead.name
        self.fifo = args.fifo
        self.register_outputs(
            {
                "url": self.url,
                "arn": self.arn,
                "queue_name": self.queue_name,
                "dead_letter_url": self.dead_letter_url,
                "dead_letter_arn": self.dead_letter_arn,
                "dead_letter_name": self.dead_letter_name,
            }
        )

    def grant(self, *actions: QueueAction) -> Grant:
        """Return the permission for `actions` on the queue."""
        return _grant(self.logical_name, self.arn, actions)

    def grant_dead_letters(self, *actions: QueueAction) -> Grant:
        """Return the permission for `actions` on the dead-letter queue."""
        return _grant(f"{self.logical_name}-dlq", self.dead_letter_arn, actions)


def _grant(name: str, arn: pulumi.Output[str], actions: Sequence[QueueAction]) -> Grant:
    return Grant(sid=sid(name), actions=tuple(f"sqs:{action}" for action in actions), resources=(arn,))


def encrypted_queue(
    name: str,
    scope: Scope,
    opts: pulumi.ResourceOptions,
    *,
    retention_seconds: int,
    visibility_timeout_seconds: int | None = None,
    redrive_policy: pulumi.Output[str] | None = None,
    fifo: bool = False,
) -> aws.sqs.Queue:
    """Create a queue that is encrypted with the scope's key. If the scope has no key, SQS's own keys are used; they
    are free and need no grants."""
    return aws.sqs.Queue(
        name,
        aws.sqs.QueueArgs(
            name=scope.name(name) + (FIFO if fifo else ""),
            fifo_queue=True if fifo else None,
            # With these settings, SQS's limits apply per group, so that groups do not slow each other down.
            deduplication_scope="messageGroup" if fifo else None,
            fifo_throughput_limit="perMessageGroupId" if fifo else None,
            message_retention_seconds=retention_seconds,
            visibility_timeout_seconds=visibility_timeout_seconds,
            redrive_policy=redrive_policy,
            # SQS accepts only one of these two settings; the other must be absent.
            sqs_managed_sse_enabled=True if scope.key_arn is None else None,
            kms_master_key_id=scope.key_arn,
            tags=scope.tags,
        ),
        opts,
    )


def redrive_policy(dead: aws.sqs.Queue, max_receive_count: int) -> pulumi.Output[str]:
    """Return the redrive policy: SQS moves a message to `dead` after `max_receive_count` receives."""
    return pulumi.Output.json_dumps(
        {"deadLetterTargetArn": dead.arn, "maxReceiveCount": max_receive_count}, sort_keys=True
    )


def queue_policy(
    name: str,
    scope: Scope,
    queue: aws.sqs.Queue,
    statements: Sequence[Mapping[str, object]],
    opts: pulumi.ResourceOptions,
) -> aws.sqs.QueuePolicy:
    """Create the queue's policy: `statements`, and no access without TLS."""
    policy = document([tls_only(scope, ["sqs:*"], queue.arn), *statements])
    return aws.sqs.QueuePolicy(name, aws.sqs.QueuePolicyArgs(queue_url=queue.id, policy=policy), opts)
