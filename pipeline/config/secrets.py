"""Checks that stack files contain secrets only in encrypted form."""

from collections.abc import Iterable, Mapping

from pulumi.runtime.config import is_config_secret
from pydantic import SecretStr
from pydantic.fields import FieldInfo

from pipeline.config.problems import Problem


def is_secret(field: FieldInfo) -> bool:
    """Return whether the field is declared as a secret."""
    return field.annotation is SecretStr


def plain_secrets(fields: Mapping[str, FieldInfo], given: Iterable[str], namespace: str) -> list[Problem]:
    """Return a problem for each of the `given` keys whose secret is plain text in the stack file."""
    return [
        Problem(
            (key,),
            "plain text",
            "an encrypted value, because stack files are committed",
            change=f"it with: pulumi config set --secret {namespace}:{key}",
        )
        for key in sorted(given)
        if key in fields and is_secret(fields[key]) and not is_config_secret(f"{namespace}:{key}")
    ]
