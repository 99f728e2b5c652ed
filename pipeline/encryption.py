"""Keys that encrypt what the stack keeps, and who may use them."""

from typing import Literal

from components.component import Scope
from components.encryption_key import EncryptionKey, EncryptionKeyArgs
from components.iam import Grant
from pipeline.config import StackConfig


def encrypted(config: StackConfig, scope: Scope) -> Scope:
    """The scope with the stack's own key, if it has one: every component takes it from there."""
    if config.encryption == "aws":
        return scope
    key = EncryptionKey(
        "key", scope, EncryptionKeyArgs(protect=config.protect, event_buses=config.events_target == "bus")
    )
    return scope.model_copy(update={"key_arn": key.arn})


def key_grants(scope: Scope, *actions: Literal["Decrypt", "GenerateDataKey"]) -> tuple[Grant, ...]:
    """Permission for a function to use the key, if there is one.

    Reading from a table or queue takes Decrypt; sending to a queue or topic takes GenerateDataKey besides.
    """
    if scope.key_arn is None:
        return ()
    return (Grant(sid="Key", actions=tuple(f"kms:{each}" for each in actions), resources=(scope.key_arn,)),)
