"""Options of the data: how it is kept, and what protects it from loss."""

from typing import Literal

from pydantic import Field

from pipeline.config.alarms import AlarmOptions
from pipeline.config.delivery import DeliveryOptions
from pipeline.config.problems import Problem


class DataOptions(AlarmOptions, DeliveryOptions):
    """Data at rest."""

    encryption: Literal["aws", "customer"] = Field(
        default="aws",
        description="Whose keys encrypt tables, queues, topics and logs: AWS's, or one of yours made here.",
        json_schema_extra={
            "cost": "customer: 1 USD a month (3 after two rotations) plus 0.03 USD per 10,000 calls of KMS",
            "consequence": "Whoever reads data needs your key too, and every use is in CloudTrail. Subscribers' own "
            "queues may need a grant. Deleting the key makes all data unreadable for ever. With a bus, events that "
            "could not be delivered wait in queues under SQS's key (docs/events.md).",
        },
    )
    point_in_time_recovery: bool = Field(
        default=True,
        description="Lets orders and stock be restored to any second of the last 35 days.",
        json_schema_extra={"cost": "0.20 USD per GB and month", "consequence": "Without it a mistake is final."},
    )
    deletion_protection: bool = Field(
        default=True,
        description="Makes AWS refuse to delete the tables, and the pool of callers.",
        json_schema_extra={"cost": "nothing", "consequence": "It has to be turned off before a stack can go."},
    )
    protect: bool = Field(
        default=True,
        description="Makes Pulumi refuse a plan that deletes or replaces tables, queues, topic or bus, key or callers.",
        json_schema_extra={
            "cost": "nothing",
            "consequence": "It has to be turned off, with gradual_deploy: none, before a stack can go and before "
            "strict_ordering or events_target is switched.",
        },
    )


def _customer_key(config: DataOptions) -> Problem | None:
    """One key for all of a stack, on AWS."""
    if config.encryption == "aws":
        return None
    if config.environment == "local":
        return Problem(
            ("encryption", "environment"), "customer on the local stack", "aws: the embedded AWS encrypts nothing"
        )
    if config.alarm_topic_kms_key_arn:
        return Problem(
            ("alarm_topic_kms_key_arn", "encryption"),
            "a key with encryption = customer",
            "none: the stack's own key encrypts the alarm topics too; or encryption: aws",
        )
    return None


def _replaceable(config: DataOptions) -> Problem | None:
    """Until a shift, callers are on versions that name the queues, tables and topic of the deploy before."""
    if config.protect or config.gradual_deploy == "none":
        return None
    return Problem(
        ("protect", "gradual_deploy"),
        f"false with {config.gradual_deploy}",
        "protect: true; or gradual_deploy: none, so that the `up` that replaces a queue moves callers to functions "
        "that know the new one",
    )


DATA_RULES = (_customer_key, _replaceable)
