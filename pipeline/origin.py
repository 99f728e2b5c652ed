"""Proof of the edge in front of the API to the functions behind it."""

import hashlib

from pydantic import SecretStr

from pipeline.config import StackConfig

HEADER = "x-origin-verify"
"""The header that `runtime.http.origin` reads."""


def origin_environment(config: StackConfig) -> dict[str, str]:
    """The variable of the API's functions with the digests of the secrets they accept; none without an edge.

    Digests, because a function's variables can be read by everybody with read access to the account.
    """
    accepted = (config.origin_secret, config.origin_secret_also_accepted)
    digests = [_digest(secret) for secret in accepted if secret.get_secret_value()]
    return {"ORIGIN_SECRET_SHA256": ",".join(digests)} if digests else {}


def _digest(secret: SecretStr) -> str:
    return hashlib.sha256(secret.get_secret_value().encode()).hexdigest()
