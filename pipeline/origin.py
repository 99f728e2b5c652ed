"""The secret by which the functions recognise requests from the edge."""

import hashlib

from pydantic import SecretStr

from pipeline.config import StackConfig

HEADER = "x-origin-verify"
"""The header in which the edge sends the secret; `runtime.http.origin` reads it."""


def origin_environment(config: StackConfig) -> dict[str, str]:
    """Return the environment variable with the digests of the secrets that API functions accept.

    Without an edge, return no variable. Everybody with read access to the account can read the
    variable, so it has only digests.
    """
    accepted = (config.origin_secret, config.origin_secret_also_accepted)
    digests = [_digest(secret) for secret in accepted if secret.get_secret_value()]
    return {"ORIGIN_SECRET_SHA256": ",".join(digests)} if digests else {}


def _digest(secret: SecretStr) -> str:
    return hashlib.sha256(secret.get_secret_value().encode()).hexdigest()
