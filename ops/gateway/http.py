"""HTTP as a client of the API speaks it: through the machine's proxy, but never to loopback."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any, Final
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import ProxyHandler, Request, build_opener

from ops.errors import OpsError

# An HTTP API gives up after 30 s.
_TIMEOUT_SECONDS: Final = 35
_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})


class NoAnswerError(OpsError):
    """Nothing came back: the outcome of the request is not known."""


@dataclass(frozen=True)
class Answer:
    """An HTTP answer. Header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def document(self) -> dict[str, Any]:
        """The body as a JSON object; empty where it is none."""
        try:
            found = json.loads(self.body)
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}


def send(method: str, url: str, headers: Mapping[str, str], body: bytes | None = None) -> Answer:
    """One request, once.

    Raises:
        NoAnswerError: no answer came.
        OpsError: the address is neither https nor loopback, so that a token would travel in clear.
    """
    parts = urlsplit(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOOPBACK):
        raise OpsError(f"{url}: given {parts.scheme or 'no scheme'}; allowed: https, or http to loopback.")
    opener = build_opener(ProxyHandler({})) if parts.hostname in _LOOPBACK else build_opener()
    request = Request(url, body, dict(headers), method=method)  # noqa: S310 - the scheme was checked above
    try:
        with opener.open(request, timeout=_TIMEOUT_SECONDS) as response:
            return _answer(response.status, response.headers, response.read())
    except HTTPError as error:
        with error:
            return _answer(error.code, error.headers, error.read())
    except (OSError, HTTPException) as error:
        raise NoAnswerError(f"{method} {url} got no answer: {error}") from None


def _answer(status: int, headers: Any, body: bytes) -> Answer:
    return Answer(status, {name.lower(): value for name, value in headers.items()}, body)
