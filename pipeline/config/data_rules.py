"""Rules between the options on data at rest."""

from typing import TYPE_CHECKING

from pipeline.config.problems import Problem

if TYPE_CHECKING:
    from pipeline.config.stack_config import StackConfig


def customer_key(config: "StackConfig") -> Problem | None:
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


DATA_RULES = (customer_key,)
