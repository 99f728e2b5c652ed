"""The key that encrypts the stack's data, and the permissions to use it."""

from typing import Literal

from components.component import Scope
from components.encryption_key import EncryptionKey, EncryptionKeyArgs
from components.iam import Grant
from pipeline.config import StackConfig


def encrypted(config: StackConfig, scope: Scope) -> Scope:
    """Return the scope with the stack's own key, if one is configured. Components encrypt with the scope's key."""
    if config.encryption == "aws":
        return scope
    key = EncryptionKey(
        "key", scope, EncryptionKeyArgs(protect=config.protect, event_buses=config.events_target == "bus")
    )
    return scope.model_copy(update={"key_arn": key.arn})


def key_grants(scope: Scope, *actions: Literal["Decrypt", "GenerateDataKey"]) -> tuple[Grant, ...]:
    """Return the permission for a function to use the stack's own key; no permission if there is no such key.

    Reading from a table or queue needs Decrypt; sending to a queue or topic also needs GenerateDataKey.
    """
    if scope.key_arn is None:
        return ()
    return (Grant(sid="Key", actions=tuple(f"kms:{each}" for each in actions), resources=(scope.key_arn,)),)
