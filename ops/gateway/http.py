"""Sends HTTP requests as an API client: through the machine's proxy, but directly to loopback addresses."""

import json
import time
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any, Final
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

from ops.errors import OpsError
from runtime.logic.clock import Clock

# An HTTP API times out after 30 s.
_TIMEOUT_SECONDS: Final = 35.0
_PAUSE_SECONDS: Final = 1.0
_LONGEST_PAUSE_SECONDS: Final = 10.0
_REPEATED: Final = frozenset({HTTPStatus.CONFLICT, HTTPStatus.TOO_MANY_REQUESTS})
_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})


class NoAnswerError(OpsError):
    """No answer arrived, so the outcome of the request is not known."""


@dataclass(frozen=True)
class Answer:
    """An HTTP answer. Header names are in lower case. `seconds` is the duration of the request."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    seconds: float = 0.0

    @property
    def document(self) -> dict[str, Any]:
        """The body as a JSON object; empty if the body is something else."""
        try:
            found = json.loads(self.body)
        except (ValueError, RecursionError):
            return {}
        return found if isinstance(found, dict) else {}

    @property
    def order_id(self) -> str:
        """Id of the order that the answer names."""
        return str(self.document["order_id"])

    @property
    def is_replay(self) -> bool:
        """Return whether the answer is marked as a replay."""
        return self.headers.get("idempotent-replayed") == "true"

    @property
    def is_to_be_repeated(self) -> bool:
        """Return whether the client should send the same request again."""
        return self.status in _REPEATED or self.status >= HTTPStatus.INTERNAL_SERVER_ERROR


def bearer(token: str | None) -> dict[str, str]:
    """Return the header with a bearer token; empty without a token."""
    return {} if token is None else {"Authorization": f"Bearer {token}"}


def send(
    method: str, url: str, headers: Mapping[str, str], body: bytes | None = None, timeout: float = _TIMEOUT_SECONDS
) -> Answer:
    """Send one request, without retries.

    Raises:
        NoAnswerError: no answer came.
        OpsError: the address is neither https nor loopback.
    """
    parts = urlsplit(url)
    connection = connect(url, timeout)
    started = time.monotonic()
    try:
        connection.request(method, f"{parts.path or '/'}{parts.query and f'?{parts.query}'}", body, dict(headers))
        return read(connection, started)
    except (OSError, HTTPException) as error:
        raise NoAnswerError(f"{method} {url} got no answer: {error!r}") from None
    finally:
        connection.close()


def repeat_while_asked(request: Callable[[], Answer], seconds: float, clock: Clock) -> tuple[Answer, list[int]]:
    """Repeat a request while it gets no answer, or gets an answer that asks to repeat it.

    Give up after about `seconds`. Return the last answer and all statuses.

    Raises:
        NoAnswerError: the last try got no answer.
    """
    deadline = clock.monotonic() + seconds
    statuses: list[int] = []
    while True:
        pause = _PAUSE_SECONDS
        try:
            answer = request()
            statuses.append(answer.status)
            if not answer.is_to_be_repeated or clock.monotonic() > deadline:
                return answer, statuses
            retry_after = answer.headers.get("retry-after", "")
            pause = min(float(retry_after), _LONGEST_PAUSE_SECONDS) if retry_after.isdecimal() else pause
        except NoAnswerError:
            if clock.monotonic() > deadline:
                raise
        clock.sleep(pause)


def read(connection: HTTPConnection, started: float) -> Answer:
    """Read the answer to the connection's request. `started`: when the request began, on the monotonic clock."""
    response = connection.getresponse()
    body = response.read()
    headers = {name.lower(): value for name, value in response.getheaders()}
    return Answer(response.status, headers, body, time.monotonic() - started)


def connect(url: str, timeout: float = _TIMEOUT_SECONDS) -> HTTPConnection:
    """Create a connection to the host of `url`. The connection opens with the first request.

    Raises:
        OpsError: the address is neither https nor loopback, so a token would be sent unencrypted.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme == "http" and host in _LOOPBACK:
        return HTTPConnection(host, parts.port, timeout=timeout)
    if parts.scheme != "https":
        raise OpsError(f"{url}: given {parts.scheme or 'no scheme'}; allowed: https, or http to loopback.")
    proxy = getproxies().get("https")
    if not proxy or host in _LOOPBACK or proxy_bypass(host):
        return HTTPSConnection(host, parts.port, timeout=timeout)
    via = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
    connection = HTTPSConnection(via.hostname or "", via.port, timeout=timeout)
    name = unquote(f"{via.username}:{via.password or ''}").encode()
    basic = {"Proxy-Authorization": f"Basic {b64encode(name).decode()}"} if via.username else {}
    connection.set_tunnel(host, parts.port, basic)
    return connection
