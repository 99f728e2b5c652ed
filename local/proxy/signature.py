"""Checks the Signature Version 4 of requests, by computing it again.

Source: "AWS Signature Version 4 for API requests" and "Authenticating requests using query parameters" in AWS's IAM and
S3 guides. The check computes the signature with botocore, as the clients here do.
"""

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import unquote

from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.compat import HTTPHeaders
from botocore.credentials import Credentials

from local.proxy.wire import Head, Request

_ALGORITHM: Final = "AWS4-HMAC-SHA256"
_HEADER: Final = re.compile(rf"{_ALGORITHM}\s+(.+)", re.DOTALL)
_SCOPE: Final = re.compile(r"([\w-]+)/(\d{8})/([\w-]+)/([\w-]+)/aws4_request", re.ASCII)
_TIME: Final = re.compile(r"[0-9]{8}T[0-9]{6}Z")
# How far a signature's time may be in the future, and how long a signature without `expires` is
# valid. AWS mostly allows 15 minutes, too.
_WINDOW: Final = timedelta(minutes=15)
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
# A presigned URL is valid for at most seven days (604,800 seconds), so six digits are enough.
_SECONDS: Final = re.compile(r"[0-9]{1,6}")


@dataclass(frozen=True)
class Signature:
    """The signature of a request. `expires` is set for a presigned URL, which has the signature in its query."""

    access_key_id: str
    region: str
    service: str
    signed_headers: tuple[str, ...]
    time: str
    value: str
    expires: timedelta | None = None

    def is_current(self, now: datetime) -> bool:
        """Return whether the signature is still valid, and its time is at most 15 minutes in the future."""
        try:
            signed = datetime.fromisoformat(self.time)
        except ValueError:
            return False
        return signed - _WINDOW <= now <= signed + (self.expires or _WINDOW)

    def matches(self, request: Request, secret: str) -> bool:
        """Return whether the holder of `secret` signed this request."""
        head = request.head
        if "host" not in self.signed_headers or any(name not in head.fields for name in self.signed_headers):
            return False
        claimed = head.fields.get("x-amz-content-sha256", "")
        digest = hashlib.sha256(request.body).hexdigest()
        if _DIGEST.fullmatch(claimed) and claimed != digest:
            return False
        signed: Any = AWSRequest(head.method, f"http://{head.fields['host']}{head.path}")
        signed.headers = HTTPHeaders()
        for name in self.signed_headers:
            signed.headers[name] = head.fields[name]
        signed.params = [pair for pair in _pairs(head) if pair[0] != "X-Amz-Signature"]
        unsigned = "UNSIGNED-PAYLOAD" if self.expires is not None and self.service == "s3" else digest
        signed.context.update(timestamp=self.time, payload=claimed or unsigned)
        kind = _AsSignedForS3 if self.service == "s3" else _AsSigned
        signer = kind(Credentials(self.access_key_id, secret), self.service, self.region)
        text = signer.string_to_sign(signed, signer.canonical_request(signed))
        return hmac.compare_digest(signer.signature(text, signed), self.value)


class _AsSigned(SigV4Auth):
    """Signs the same headers as the client, with the client's payload hash."""

    def headers_to_sign(self, request: Any) -> Any:
        return request.headers

    def payload(self, request: Any) -> str:
        return str(request.context["payload"])


class _AsSignedForS3(_AsSigned, S3SigV4Auth):
    """Signs for S3. Unlike all other services, S3 does not encode paths a second time."""


def signature_of(head: Head) -> Signature | None:
    """Return the signature in a request's header or query; `None` if it is missing or malformed."""
    header = _HEADER.fullmatch(head.fields.get("authorization", ""))
    if header:
        pairs = [part.strip().partition("=") for part in header[1].split(",")]
        return _read({name: value for name, _, value in pairs}, head.fields.get("x-amz-date", ""))
    query = dict(_pairs(head))
    if query.get("X-Amz-Algorithm") != _ALGORITHM or not _SECONDS.fullmatch(query.get("X-Amz-Expires", "")):
        return None
    fields = {name.removeprefix("X-Amz-"): value for name, value in query.items()}
    return _read(fields, fields.get("Date", ""), timedelta(seconds=int(fields["Expires"])))


def _read(fields: Mapping[str, str], time: str, expires: timedelta | None = None) -> Signature | None:
    scope = _SCOPE.fullmatch(fields.get("Credential", ""))
    if (
        scope is None
        or not _TIME.fullmatch(time)
        or not time.startswith(scope[2])
        or not _DIGEST.fullmatch(fields.get("Signature", ""))
    ):
        return None
    headers = tuple(fields.get("SignedHeaders", "").split(";"))
    return Signature(scope[1], scope[3], scope[4], headers, time, fields["Signature"], expires)


def _pairs(head: Head) -> list[tuple[str, str]]:
    parts = (part.partition("=") for part in head.query.split("&") if part)
    return [(unquote(name), unquote(value)) for name, _, value in parts]
