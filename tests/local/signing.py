"""Signs requests as an SDK does."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth, SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from local.keys import Keys
from local.proxy.gate import Gate

KEYS = Keys("LOCALABCDEFGHIJKLMNO", "the-secret-of-this-instance")
REGION = "us-east-1"


def gate(keys: Keys = KEYS, sessions: Path = Path("/nonexistent")) -> Gate:
    return Gate(keys, sessions)


def signed(
    method: str,
    url: str,
    body: bytes = b"",
    headers: Mapping[str, str] | None = None,
    *,
    service: str = "sqs",
    keys: Keys = KEYS,
) -> dict[str, str]:
    """Return the headers of a request, with its signature."""
    request: Any = AWSRequest(method, url, headers=headers, data=body)
    kind = S3SigV4Auth if service == "s3" else SigV4Auth
    kind(_credentials(keys), service, REGION).add_auth(request)
    return dict(request.headers.items())


def presigned(url: str, *, service: str = "sqs", keys: Keys = KEYS, seconds: int = 60) -> str:
    """Return the URL of a GET, with its signature."""
    request: Any = AWSRequest("GET", url)
    kind: Any = S3SigV4QueryAuth if service == "s3" else SigV4QueryAuth
    kind(_credentials(keys), service, REGION, expires=seconds).add_auth(request)
    return str(request.url)


def _credentials(keys: Keys) -> Credentials:
    return Credentials(keys.access_key_id, keys.secret_access_key)
