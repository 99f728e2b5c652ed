"""Access to the embedded AWS: for whoever holds this instance's keys, on a few routes for everybody on this machine.

The emulator requires no key. With IAM enforced it treats a request without one as the root user's. It runs the code
that it receives. So without this gate any page in the browser, and any other user of the machine, could run code as
whoever started it (docs/adr/0012-gate-in-front-of-the-emulator.md).
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
# The emulator chooses a service by headers too. From a request without a key, pass on only these headers.
_PLAIN: Final = frozenset({b"host", b"accept", b"content-type", b"content-length", b"authorization"})
_SAME: Final = frozenset({"", "none", "same-origin"})
_KEY_ID: Final = re.compile(r"[A-Z0-9]{16,64}")
_ACCOUNT: Final = re.compile(r"[0-9]{12}")


@dataclass(frozen=True)
class Refusal:
    """Reason why a request is not passed on: AWS's code for that, and what to do about it."""

    code: str
    message: str


@dataclass(frozen=True)
class Gate:
    """The rules of one instance.

    `sessions` is where the emulator's side leaves the secret of each key that it hands out: a file per key
    (local/session_keys.py).
    """

    keys: Keys
    sessions: Path
    clock: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))

    def at_the_door(self, head: Head, port: int) -> Refusal | None:
        """Judge what the head alone says. `port` is the one that the client came to."""
        if refusal := foreign_host(head, port):
            return refusal
        if is_public(head):
            return None
        if refusal := foreign_page(head, port):
            return refusal
        return _NO_KEY if not is_open(head) and signature_of(head) is None else None

    def inside(self, request: Request) -> Refusal | None:
        """Judge the whole request."""
        if is_public(request.head) or is_open(request.head):
            return None
        signature = signature_of(request.head)
        secret = self._secret(signature) if signature else None
        if signature is None or secret is None:
            return _OTHER_KEY
        if not signature.is_current(self.clock()):
            return _TOO_OLD
        return None if signature.matches(request, secret) else _NOT_SIGNED

    def _secret(self, signature: Signature) -> str | None:
        key_id = signature.access_key_id
        # Without IAM the functions' key id is the account's number.
        if key_id == self.keys.access_key_id or _ACCOUNT.fullmatch(key_id):
            return self.keys.secret_access_key
        try:
            return (self.sessions / key_id).read_text() if _KEY_ID.fullmatch(key_id) else None
        except FileNotFoundError:
            return None


def foreign_host(head: Head, port: int) -> Refusal | None:
    """Refuse a name of somebody else's that leads here, as after DNS rebinding."""
    return None if head.fields.get("host", "").lower() in _authorities(port) else _FOREIGN_HOST


def foreign_page(head: Head, port: int) -> Refusal | None:
    """Refuse what a browser sends for a page of another origin."""
    origin, site = head.fields.get("origin"), head.fields.get("sec-fetch-site", "")
    ours = origin is None or origin in {f"http://{each}" for each in _authorities(port)}
    return None if ours and site in _SAME else _FOREIGN_PAGE


def _authorities(port: int) -> frozenset[str]:
    return frozenset({f"{LOOPBACK}:{port}", f"localhost:{port}"})


def is_public(head: Head) -> bool:
    """Return whether it is for the stack's own API, which decides about callers and pages by itself, as on AWS."""
    return head.path.startswith(_API)


def is_open(head: Head) -> bool:
    """Return whether it is for a route that AWS opens to everybody too: Cognito's tokens and keys, SNS's
    confirmations.
    """
    if head.method == "POST":
        return head.path == _TOKEN
    if head.method != "GET" or "content-length" in head.fields or signature_of(head) is not None:
        return False
    query = parse_qs(head.query, keep_blank_values=True)
    confirms = query.get("Action") == ["ConfirmSubscription"] and len(query) > 1 and query.keys() <= _CONFIRMATION
    return bool(_KEY_SET.fullmatch(head.path)) or (head.path == "/" and confirms)


def disarmed(head: Head) -> Head:
    """An open request with nothing that could lead it elsewhere in the emulator."""
    basic = head.fields.get("authorization", "").lower().startswith("basic ")
    kept = _PLAIN if basic else _PLAIN - {b"authorization"}
    return Head(head.method, head.target, tuple(each for each in head.headers if each[0].lower() in kept))


_HOW: Final = (
    "Sign with the aws_access_key_id and aws_secret_access_key of this instance: they are in outputs.json of its state "
    "folder (.local), and new with every start."
)
_FOREIGN_HOST: Final = Refusal("AccessDenied", "This embedded AWS answers to 127.0.0.1 and localhost only.")
_FOREIGN_PAGE: Final = Refusal("AccessDenied", "This embedded AWS answers no page of another origin.")
_NO_KEY: Final = Refusal("MissingAuthenticationToken", f"The request is not signed. {_HOW}")
_OTHER_KEY: Final = Refusal("InvalidClientTokenId", f"The access key is none of this instance's. {_HOW}")
_TOO_OLD: Final = Refusal("RequestExpired", "The signature is more than 15 minutes from now, or its URL has expired.")
_NOT_SIGNED: Final = Refusal("SignatureDoesNotMatch", f"The signature is not the one of this request and key. {_HOW}")
