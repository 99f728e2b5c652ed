"""Options of the stored data: encryption and protection from loss."""

from typing import Literal

from pydantic import Field

from pipeline.config.alarms import AlarmOptions
from pipeline.config.delivery import DeliveryOptions
from pipeline.config.problems import Problem


class DataOptions(AlarmOptions, DeliveryOptions):
    """Options of the stored data."""

    encryption: Literal["aws", "customer"] = Field(
        default="aws",
        description="Key for tables, queues, topics and logs: AWS's keys, or a customer managed key of the stack.",
        json_schema_extra={
            "cost": "customer: 1 USD a month (3 after two rotations) plus 0.03 USD per 10,000 calls of KMS",
            "consequence": "Readers of the data need permission for the key, and CloudTrail records each use. "
            "If another key encrypts a subscriber's queue, that key's policy must let SNS or EventBridge use it. "
            "Deleting the stack's key makes all data unreadable for ever. With a bus, the queues of failed deliveries "
            "use SQS's key (docs/events.md).",
        },
    )
    point_in_time_recovery: bool = Field(
        default=True,
        description="Lets you restore orders and stock to any second of the last 35 days.",
        json_schema_extra={
            "cost": "0.20 USD per GB and month",
            "consequence": "Without it, lost data cannot be restored.",
        },
    )
    deletion_protection: bool = Field(
        default=True,
        description="Makes AWS refuse to delete the tables and the Cognito user pool.",
        json_schema_extra={"cost": "nothing", "consequence": "Turn it off before you destroy the stack."},
    )
    protect: bool = Field(
        default=True,
        description="Makes Pulumi refuse a plan that deletes or replaces a table, queue, topic, bus, key or user pool.",
        json_schema_extra={
            "cost": "nothing",
            "consequence": "Before you destroy the stack or change strict_ordering or events_target, set protect: "
            "false and gradual_deploy: none.",
        },
    )


def _customer_key(config: DataOptions) -> Problem | None:
    """A stack has at most one KMS key: its own, or the alarm topics' key. A local stack has no key of its own."""
    if config.encryption == "aws":
        return None
    if config.environment == "local":
        return Problem(
            ("encryption", "environment"),
            "customer on the local stack",
            "aws, because the embedded AWS encrypts nothing",
        )
    if config.alarm_topic_kms_key_arn:
        return Problem(
            ("alarm_topic_kms_key_arn", "encryption"),
            "a key with encryption = customer",
            "no alarm_topic_kms_key_arn, because the stack's own key encrypts the alarm topics too; or encryption: aws",
        )
    return None


def _replaceable(config: DataOptions) -> Problem | None:
    """A gradual deploy needs `protect`.

    Until `deploy shift` has run, callers use the previous functions, so these functions' resources
    must stay.
    """
    if config.protect or config.gradual_deploy == "none":
        return None
    return Problem(
        ("protect", "gradual_deploy"),
        f"false with gradual_deploy = {config.gradual_deploy}",
        "protect: true, because the previous functions and their queues are in use until `deploy shift` has run; "
        "or gradual_deploy: none",
    )


DATA_RULES = (_customer_key, _replaceable)
