"""Access keys for the embedded AWS. Each start of a local instance creates new ones."""

import base64
import secrets
from dataclasses import dataclass, field
from typing import Self


@dataclass(frozen=True)
class Keys:
    """The access key id and the secret access key of the account's root user."""

    access_key_id: str
    secret_access_key: str = field(repr=False)

    @classmethod
    def fresh(cls) -> Self:
        """Return random keys. The id differs from AWS's own ids, which begin with AKIA or ASIA."""
        return cls(f"LOCAL{base64.b32encode(secrets.token_bytes(10)).decode()[:15]}", secrets.token_urlsafe(30))
