"""Decides access to the embedded AWS: a request needs this instance's keys, except on a few open routes.

The emulator requires no key. With IAM enforced, it treats a request without a key as a request of the root user. The
emulator runs the code that it receives. If this gate did not exist, any page in the browser and any other user of the
machine could run code as the user who started the emulator (docs/adr/0012-gate-in-front-of-the-emulator.md).
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from urllib.parse import parse_qs

from local.keys import Keys
from local.ports import LOOPBACK
from local.proxy.signature import Signature, signature_of
from local.proxy.wire import Head, Request

_API: Final = "/_aws/execute-api/"
_KEY_SET: Final = re.compile(r"/[\w-]+/\.well-known/(?:jwks\.json|openid-configuration)", re.ASCII)
_TOKEN: Final = "/oauth2/token"  # noqa: S105 a path
_CONFIRMATION: Final = {"Action", "TopicArn", "Token", "Version", "AuthenticateOnUnsubscribe"}
# The emulator also chooses a service by headers. So a request to an open route is forwarded with these headers only.
_PLAIN: Final = frozenset({b"host", b"accept", b"content-type", b"content-length", b"authorization"})
_SAME: Final = frozenset({"", "none", "same-origin"})
_KEY_ID: Final = re.compile(r"[A-Z0-9]{16,64}")
_ACCOUNT: Final = re.compile(r"[0-9]{12}")


@dataclass(frozen=True)
class Refusal:
    """The reason for refusing a request: AWS's error code, and a message that says what to do."""

    code: str
    message: str


@dataclass(frozen=True)
class Gate:
    """The access rules of one instance.

    The emulator issues keys to functions and to callers. `sessions` is the folder with the secrets of these keys, one
    file per key (local/session_keys.py).
    """

    keys: Keys
    sessions: Path
    clock: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))

    def refusal_of_head(self, head: Head, port: int) -> Refusal | None:
        """Check a request's head, and return the refusal if there is one. `port` is the port of the connection."""
        if refusal := foreign_host(head, port):
            return refusal
        if is_public(head):
            return None
        if refusal := foreign_page(head, port):
            return refusal
        return _UNSIGNED if not is_open(head) and signature_of(head) is None else None

    def refusal_of_signature(self, request: Request) -> Refusal | None:
        """Check a signature against the whole request with its body, and return the refusal if there is one."""
        if is_public(request.head) or is_open(request.head):
            return None
        signature = signature_of(request.head)
        secret = self._secret(signature) if signature else None
        if signature is None or secret is None:
            return _OTHER_KEY
        if not signature.is_current(self.clock()):
            return _TOO_OLD
        return None if signature.matches(request, secret) else _WRONG_SIGNATURE

    def _secret(self, signature: Signature) -> str | None:
        key_id = signature.access_key_id
        # When IAM is not enforced, the functions' key id is the account's number.
        if key_id == self.keys.access_key_id or _ACCOUNT.fullmatch(key_id):
            return self.keys.secret_access_key
        try:
            return (self.sessions / key_id).read_text() if _KEY_ID.fullmatch(key_id) else None
        except FileNotFoundError:
            return None


def foreign_host(head: Head, port: int) -> Refusal | None:
    """Refuse any host except 127.0.0.1 and localhost with this port.

    This stops DNS rebinding: a page that uses DNS rebinding sends its own host name.
    """
    return None if head.fields.get("host", "").lower() in _authorities(port) else _FOREIGN_HOST


def foreign_page(head: Head, port: int) -> Refusal | None:
    """Refuse a browser's request from a page of another origin."""
    origin, site = head.fields.get("origin"), head.fields.get("sec-fetch-site", "")
    ours = origin is None or origin in {f"http://{each}" for each in _authorities(port)}
    return None if ours and site in _SAME else _FOREIGN_PAGE


def _authorities(port: int) -> frozenset[str]:
    return frozenset({f"{LOOPBACK}:{port}", f"localhost:{port}"})


def is_public(head: Head) -> bool:
    """Return whether the request is for the stack's own API, which checks callers and origins by itself, as on AWS."""
    return head.path.startswith(_API)


def is_open(head: Head) -> bool:
    """Return whether the request is accepted without an access key, as on AWS.

    Such a request gets Cognito's tokens or public keys, or confirms an SNS subscription. A GET
    request that has a signature is not accepted in this way: its signature is checked.
    """
    if head.method == "POST":
        return head.path == _TOKEN
    if head.method != "GET" or "content-length" in head.fields or signature_of(head) is not None:
        return False
    query = parse_qs(head.query, keep_blank_values=True)
    confirms = query.get("Action") == ["ConfirmSubscription"] and len(query) > 1 and query.keys() <= _CONFIRMATION
    return bool(_KEY_SET.fullmatch(head.path)) or (head.path == "/" and confirms)


def without_service_headers(head: Head) -> Head:
    """Return an open request without the headers that could make the emulator choose another service."""
    basic = head.fields.get("authorization", "").lower().startswith("basic ")
    kept = _PLAIN if basic else _PLAIN - {b"authorization"}
    return Head(head.method, head.target, tuple(each for each in head.headers if each[0].lower() in kept))


_HOW: Final = (
    "Sign with the aws_access_key_id and aws_secret_access_key of this instance. They are in outputs.json of its state "
    "folder (.local) and change with every start."
)
_FOREIGN_HOST: Final = Refusal("AccessDenied", "This embedded AWS answers to 127.0.0.1 and localhost only.")
_FOREIGN_PAGE: Final = Refusal(
    "AccessDenied",
    "Except for the stack's own API, this embedded AWS accepts no request from a page of another origin.",
)
_UNSIGNED: Final = Refusal("MissingAuthenticationToken", f"The request is not signed. {_HOW}")
_OTHER_KEY: Final = Refusal("InvalidClientTokenId", f"The access key does not belong to this instance. {_HOW}")
_TOO_OLD: Final = Refusal(
    "RequestExpired", "The signature's time differs from now by more than 15 minutes, or the presigned URL has expired."
)
_WRONG_SIGNATURE: Final = Refusal("SignatureDoesNotMatch", f"The signature does not match this request and key. {_HOW}")
