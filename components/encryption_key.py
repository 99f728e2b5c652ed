"""A customer managed key, and a policy that lets AWS's services use it for this stack's resources only."""

from collections.abc import Mapping
from typing import ClassVar

import pulumi
import pulumi_aws as aws
from pydantic import Field

from components.component import Args, Component, Scope
from components.iam import document

DELETION_DAYS = 30


class EncryptionKeyArgs(Args):
    """Settings of the key that encrypts a stack's data."""

    protect: bool = Field(description="Makes Pulumi refuse a plan that deletes the key, and with it all data.")
    event_buses: bool = Field(
        default=False, description="Lets EventBridge use the key for this stack's buses and the queues of their rules."
    )


class EncryptionKey(Component):
    """The key, rotated every year, with an alias.

    Outputs: `arn`.
    """

    kind: ClassVar[str] = "EncryptionKey"

    def __init__(
        self, name: str, scope: Scope, args: EncryptionKeyArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(name, scope, opts)
        invoking = pulumi.InvokeOptions(parent=self)
        owner = pulumi.Output.all(
            aws.get_partition_output(opts=invoking).partition,
            aws.get_region_output(opts=invoking).region,
            aws.get_caller_identity_output(opts=invoking).account_id,
        )
        key = aws.kms.Key(
            name,
            aws.kms.KeyArgs(
                description=f"Encrypts what {scope.prefix} keeps: tables, queues, topics, logs",
                enable_key_rotation=True,
                deletion_window_in_days=DELETION_DAYS,
                policy=owner.apply(lambda each: _policy(scope.prefix, args.event_buses, *each)),
                tags=scope.tags,
            ),
            self.child(protect=args.protect),
        )
        aws.kms.Alias(
            f"{name}-alias",
            aws.kms.AliasArgs(name=f"alias/{scope.name(name)}", target_key_id=key.id),
            self.child(),
        )
        self.arn = key.arn
        self.register_outputs({"arn": self.arn})


def _policy(prefix: str, event_buses: bool, partition: str, region: str, account: str) -> pulumi.Output[str]:
    def arns(service: str, resource: str) -> str:
        return f"arn:{partition}:{service}:{region}:{account}:{resource}"

    topics, alarms = arns("sns", f"{prefix}-*"), arns("cloudwatch", f"alarm:{prefix}-*")
    groups = [arns("logs", f"log-group:/aws/{kind}/{prefix}-*") for kind in ("lambda", "vendedlogs")]
    return document(
        [
            {
                # Without this statement, no IAM policy could allow a role to use the key or to change this policy.
                "Sid": "AccountDecidesByIam",
                "Effect": "Allow",
                "Principal": {"AWS": f"arn:{partition}:iam::{account}:root"},
                "Action": ["kms:*"],
                "Resource": "*",
            },
            _service("TopicsIntoQueues", "sns.amazonaws.com", account, {"aws:SourceArn": topics}),
            _service("AlarmsToTopics", "cloudwatch.amazonaws.com", account, {"aws:SourceArn": alarms}),
            {
                "Sid": "LogGroups",
                "Effect": "Allow",
                "Principal": {"Service": f"logs.{region}.amazonaws.com"},
                "Action": ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"],
                "Resource": "*",
                "Condition": {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": groups}},
            },
            *(
                _event_buses(account, [arns("events", f"{kind}/{prefix}-*") for kind in ("event-bus", "rule")])
                * event_buses
            ),
        ]
    )


def _event_buses(account: str, sources: list[str]) -> list[dict[str, object]]:
    return [
        # The sources are the buses, which are encrypted, and their rules, which send to encrypted queues.
        _service("BusesIntoQueues", "events.amazonaws.com", account, {"aws:SourceArn": sources}),
        {
            # When the key is set on a bus, EventBridge checks that the key is symmetric. This check names no bus, so
            # the statement has no condition.
            "Sid": "BusesCheckTheKey",
            "Effect": "Allow",
            "Principal": {"Service": "events.amazonaws.com"},
            "Action": ["kms:DescribeKey"],
            "Resource": "*",
        },
    ]


def _service(sid: str, service: str, account: str, source: Mapping[str, str | list[str]]) -> dict[str, object]:
    """Let a service encrypt and decrypt for this stack's resources only."""
    return {
        "Sid": sid,
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": ["kms:Decrypt", "kms:GenerateDataKey*"],
        # In a key policy `*` means the key itself.
        "Resource": "*",
        "Condition": {"StringEquals": {"aws:SourceAccount": account}, "ArnLike": source},
    }
