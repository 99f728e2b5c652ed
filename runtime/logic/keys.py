"""Ids derived from a request. Tests pin their values: if an id changed, a retry would not find its order or record.

Each id is a hash over a JSON list, never over a concatenation, because `["ab", "c"]` and `["a", "bc"]` must differ.
"""

import hashlib
import json
import uuid
from typing import Final, NamedTuple

# A random namespace, which never changes.
_ORDERS_NAMESPACE: Final = uuid.UUID("9f802778-e8cf-4576-8280-d54eb16c4bb0")


class Identity(NamedTuple):
    """The caller: issuer and subject of the token that the API's authorizer has verified."""

    issuer: str
    subject: str


ANONYMOUS: Final = Identity("anonymous", "anonymous")
"""The identity of every caller of an API without an authorizer."""


def caller_id(identity: Identity) -> str:
    """Return the caller's id as orders store it: 64 hex digits, no personal data."""
    return _sha256(_json_list(identity.issuer, identity.subject))


def request_key(identity: Identity, key: str) -> str:
    """Return the key of a request's record: 64 hex digits, different for each caller even if they send equal keys."""
    return _sha256(_json_list(identity.issuer, identity.subject, key))


def order_id(caller: str, key: str, canonical_body: str) -> str:
    """Return the id of the order with this caller, key and body. Every retry gets the same id."""
    return str(uuid.uuid5(_ORDERS_NAMESPACE, _json_list(caller, key, _sha256(canonical_body))))


def _json_list(*parts: str) -> str:
    return json.dumps(parts, separators=(",", ":"))


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
