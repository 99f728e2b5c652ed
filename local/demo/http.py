"""A client of the orders API that shows exactly what came back."""

import json
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from typing import Any, TypeVar
from urllib.parse import urlsplit

from local.errors import LocalError

S = TypeVar("S")
T = TypeVar("T")

# A cold function needs seconds, twenty at once many.
_TIMEOUT_SECONDS = 120.0
_GIVE_UP_SECONDS = 90
# The answers after which the documentation tells clients to repeat the request as it was.
_REPEAT = frozenset({409, 429})


@dataclass(frozen=True)
class Answer:
    """An HTTP answer. Header names are in lower case; `seconds` is how long it took."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    seconds: float

    @property
    def document(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)

    @property
    def order_id(self) -> str:
        """The order that the answer is about."""
        return str(self.document["order_id"])

    @property
    def is_replay(self) -> bool:
        """Whether it is marked as the first answer given again."""
        return self.headers.get("idempotent-replayed") == "true"


def order(*lines: tuple[str, int], currency: str = "EUR", unit_price: str = "19.90") -> dict[str, Any]:
    """The body of an order of `lines` (SKU, quantity)."""
    return {
        "currency": currency,
        "lines": [{"sku": sku, "quantity": quantity, "unit_price": unit_price} for sku, quantity in lines],
    }


def at_once(items: Iterable[S], call: Callable[[S], T], threads: int) -> list[T]:
    """The result of `call` for each of `items`, in their order; `threads` calls are made at the same time."""
    pool = ThreadPoolExecutor(threads)
    try:
        return list(pool.map(call, items))
    finally:
        # After Ctrl-C nobody wants the answers; the end of the embedded AWS ends the calls.
        pool.shutdown(wait=False, cancel_futures=True)


class OrdersApi:
    """The deployed API. Safe to use from many threads: each request has its own connection."""

    def __init__(self, url: str) -> None:
        self.url = url
        parts = urlsplit(url)
        self._host, self._port, self._base = parts.hostname or "", parts.port, parts.path

    def post(self, body: Any, key: str | None, headers: Mapping[str, str] | None = None) -> Answer:
        """`POST /orders`, once. `body` is bytes as they are, or what is sent as JSON."""
        given = {"Content-Type": "application/json"} | ({} if key is None else {"Idempotency-Key": key})
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.call("POST", "/orders", data, given | dict(headers or {}))

    def submit(self, body: Any, key: str) -> tuple[Answer, list[int]]:
        """`POST /orders` as the documentation tells clients to: repeated on 409, 429 and 5xx.

        Returns the final answer and the status of every attempt.
        """
        deadline = time.monotonic() + _GIVE_UP_SECONDS
        statuses: list[int] = []
        while True:
            answer = self.post(body, key)
            statuses.append(answer.status)
            if answer.status not in _REPEAT and answer.status < 500:
                return answer, statuses
            if time.monotonic() > deadline:
                raise LocalError(f"The API still answers {answer.status} after {_GIVE_UP_SECONDS} s.")
            time.sleep(float(answer.headers.get("retry-after", 1)))

    def get(self, order_id: str) -> Answer:
        """`GET /orders/{order_id}`."""
        return self.call("GET", f"/orders/{order_id}")

    def call(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Any request to the API, once. Raises `LocalError` when no answer comes."""
        connection = HTTPConnection(self._host, self._port, timeout=_TIMEOUT_SECONDS)
        started = time.monotonic()
        try:
            connection.request(method, self._base + path, body, dict(headers or {}))
            response = connection.getresponse()
            content = response.read()
        except (OSError, HTTPException) as error:
            raise LocalError(f"{method} {self.url}{path} got no answer: {error!r}") from error
        finally:
            connection.close()
        received = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, received, content, time.monotonic() - started)
