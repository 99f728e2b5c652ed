"""Calls the API by the rules of its contract: a call is repeated until it succeeds, is refused, or its time is up."""

import json
import random
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar

import urllib3

from orders_client.answers import Accepted, Order
from orders_client.errors import NotFinalError, OutcomeUnknownError, ProblemError
from orders_client.submission import Submission
from orders_client.tokens import Tokens

# Longer than the timeout of the API's functions (`api_timeout_seconds`, at most 29 s).
_TRY_SECONDS = 30.0
_LONGEST_WAIT = 30.0
_REPEATED = frozenset({408, 409, 425, 429})

Answer = TypeVar("Answer")


class OrdersClient:
    """Client of the API at `base_url`. It is safe to share between threads."""

    def __init__(
        self,
        base_url: str,
        tokens: Tokens | None = None,
        *,
        pool: urllib3.PoolManager | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._base, self._tokens = base_url.rstrip("/"), tokens
        self._pool = pool or urllib3.PoolManager()
        self._clock, self._sleep = clock, sleep

    def submit(self, submission: Submission, deadline_seconds: float = 600.0) -> Accepted:
        """Place the order. If it is placed already, return the first answer again.

        The request is repeated, with the same key and body, if the answer is 408, 409, 425, 429 or 5xx, is unreadable,
        or does not come. All tries together take at most about `deadline_seconds`. With `tokens`, the request is also
        repeated once after a 401.

        Raises:
            ProblemError: the request was refused. With status 401 or 403, an earlier try may have placed the order:
                correct the token and submit the same submission again. With any other status, correct the order and
                submit a new submission.
            TokenRefusedError: the token issuer refused to issue a token.
            OutcomeUnknownError: the time was up; submit the same submission again.
        """
        headers = {"Content-Type": "application/json", "Idempotency-Key": submission.key}

        def read(answer: urllib3.BaseHTTPResponse) -> Accepted:
            return Accepted.read(json.loads(answer.data), replayed=answer.headers.get("Idempotent-Replayed") == "true")

        calls = _Calls(self, "POST", "/orders", headers, submission.body, self._clock() + deadline_seconds)
        while True:
            if (accepted := calls.next(202, read)) is not None:
                return accepted
            if not calls.wait():
                raise OutcomeUnknownError(submission, calls.last)

    def order(self, order_id: str, deadline_seconds: float = 60.0) -> Order:
        """Return the state of the order, final or not.

        Raises `ProblemError` (404: the order is unknown, or another caller placed it), `TokenRefusedError`, or
        `NotFinalError` if no answer came in time.
        """
        return self._poll(order_id, deadline_seconds, lambda _: True)

    def wait(self, order_id: str, deadline_seconds: float = 600.0) -> Order:
        """Wait until the order is final, and return it.

        Raises the errors of `order`, and also `NotFinalError` if the order was not final in time.
        """
        return self._poll(order_id, deadline_seconds, lambda order: order.final)

    def _poll(self, order_id: str, deadline_seconds: float, enough: Callable[[Order], bool]) -> Order:
        calls = _Calls(self, "GET", f"/orders/{order_id}", {}, None, self._clock() + deadline_seconds)
        known: Order | None = None
        while True:
            order = calls.next(200, lambda answer: Order.read(json.loads(answer.data)))
            if order is not None and enough(order):
                return order
            known = order or known
            if not calls.wait():
                raise NotFinalError(order_id, known, calls.last)


class _Calls:
    """The tries of one request. `until` is their deadline on the client's clock, `last` the outcome of the last try."""

    def __init__(
        self, client: OrdersClient, method: str, path: str, headers: Mapping[str, str], body: str | None, until: float
    ) -> None:
        self._client, self._method, self._path, self._headers = client, method, path, headers
        self._body, self._until = body, until
        self._tries, self._retry_after_seconds = 0, 0.0
        self._refused: str | None = None
        self.last = "not tried"

    def next(self, wanted: int, read: Callable[[urllib3.BaseHTTPResponse], Answer]) -> Answer | None:
        """Make one try. If the API answers 401 to a token, make a second try, with a new token if there is one.

        Return the answer if its status is `wanted` and its body is readable, or `None` if the caller should try again.
        Raises `ProblemError` or `TokenRefusedError` if another try cannot help.
        """
        self._tries, self._retry_after_seconds = self._tries + 1, 0.0
        client, token = self._client, None
        try:
            headers = dict(self._headers)
            if client._tokens:
                token = client._tokens.token(self._refused)
                headers["Authorization"] = f"Bearer {token}"
            answer = client._pool.request(
                self._method,
                client._base + self._path,
                body=self._body.encode() if self._body is not None else None,
                headers=headers,
                timeout=max(0.1, min(_TRY_SECONDS, self._until - client._clock())),
                retries=False,
                redirect=False,
            )
        except urllib3.exceptions.HTTPError as error:
            self.last = type(error).__name__
            return None
        self.last = str(answer.status)
        if answer.status != 401:
            self._refused = None
        self._retry_after_seconds = _retry_after(answer.headers.get("Retry-After"))
        if answer.status == wanted:
            try:
                return read(answer)
            except (ValueError, KeyError, TypeError, ArithmeticError):
                # The answer was cut off, or comes from an intermediary instead of the API.
                self.last = f"{answer.status} with an unreadable body"
                return None
        if answer.status == 401 and token is not None and self._refused is None:
            # The token is expired or revoked: try again at once with another token.
            self._refused = token
            return self.next(wanted, read)
        if answer.status in _REPEATED or answer.status >= 500:
            return None
        raise ProblemError(answer.status, _document(answer.data))

    def wait(self) -> bool:
        """Wait for the longer of `Retry-After` and a growing pause.

        Return False at once if the pause would end after the deadline.
        """
        pause = max(self._retry_after_seconds, min(_LONGEST_WAIT, 2.0 ** (self._tries - 1)) * random.uniform(0.5, 1.0))  # noqa: S311 - jitter
        if self._client._clock() + pause >= self._until:
            return False
        self._client._sleep(pause)
        return True


def _retry_after(text: str | None) -> float:
    """Return the seconds to wait; 0 if `text` is neither seconds nor an HTTP date (RFC 9110, section 10.2.3)."""
    if text is None:
        return 0.0
    if text.strip().isdecimal():
        return float(text)
    try:
        then = parsedate_to_datetime(text)
    except ValueError:
        return 0.0
    return max(0.0, (then.replace(tzinfo=then.tzinfo or UTC) - datetime.now(UTC)).total_seconds())


def _document(data: bytes) -> Mapping[str, Any]:
    try:
        document = json.loads(data)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}
