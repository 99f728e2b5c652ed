"""Identities derived from what a caller sent. Pinned by golden vectors: a change here forgets every order and key.

Each is a hash over a JSON list, never over a concatenation: `["ab", "c"]` and `["a", "bc"]` must not meet.
"""

import hashlib
import json
import uuid
from typing import Final, NamedTuple

# Random once, fixed for ever.
_ORDERS_NAMESPACE: Final = uuid.UUID("9f802778-e8cf-4576-8280-d54eb16c4bb0")


class Identity(NamedTuple):
    """The caller: issuer and subject of the token that the API's authorizer has verified."""

    issuer: str
    subject: str


ANONYMOUS: Final = Identity("anonymous", "anonymous")
"""Every caller of an API without an authorizer."""


def caller_id(identity: Identity) -> str:
    """The caller as orders keep it: 64 hex digits, no personal data."""
    return _sha256(_json_list(identity.issuer, identity.subject))


def request_key(identity: Identity, key: str) -> str:
    """The key under which a request is remembered: 64 hex digits; callers never share one, whatever their keys are."""
    return _sha256(_json_list(identity.issuer, identity.subject, key))


def order_id(caller: str, key: str, canonical_body: str) -> str:
    """The id of the order that `key` with this body leads to, on the first try and on every later one."""
    return str(uuid.uuid5(_ORDERS_NAMESPACE, _json_list(caller, key, _sha256(canonical_body))))


def _json_list(*parts: str) -> str:
    return json.dumps(parts, separators=(",", ":"))


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
