"""A client of the orders API that returns each answer unchanged."""

import json
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, TypeVar

from local.errors import LocalError
from ops.gateway.http import Answer, NoAnswerError, repeat_while_asked, send

S = TypeVar("S")
T = TypeVar("T")

# A cold start takes seconds; twenty cold starts at once take far longer.
_TIMEOUT_SECONDS = 120.0
_GIVE_UP_SECONDS = 90


def order(*lines: tuple[str, int], currency: str = "EUR", unit_price: str = "19.90") -> dict[str, Any]:
    """Return the body of an order with `lines` (SKU, quantity)."""
    return {
        "currency": currency,
        "lines": [{"sku": sku, "quantity": quantity, "unit_price": unit_price} for sku, quantity in lines],
    }


def at_once(items: Iterable[S], call: Callable[[S], T], threads: int) -> list[T]:
    """Call `call` with each item, `threads` calls at the same time. Return the results in the order of `items`."""
    pool = ThreadPoolExecutor(threads)
    try:
        return list(pool.map(call, items))
    finally:
        # After Ctrl-C nobody needs the answers. The calls end when the embedded AWS stops.
        pool.shutdown(wait=False, cancel_futures=True)


class OrdersApi:
    """Client of the deployed API. Safe to use from many threads: each request has its own connection.

    `always`: the headers that every request gets.
    """

    def __init__(self, url: str, always: Mapping[str, str] | None = None) -> None:
        self.url = url.rstrip("/")
        self._always = always or {}

    def post(self, body: Any, key: str | None, headers: Mapping[str, str] | None = None) -> Answer:
        """Send `POST /orders` once. `body` is sent unchanged if it is bytes, otherwise as JSON."""
        given = {"Content-Type": "application/json"} | ({} if key is None else {"Idempotency-Key": key})
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.call("POST", "/orders", data, given | dict(headers or {}))

    def submit(self, body: Any, key: str) -> tuple[Answer, list[int]]:
        """Send `POST /orders` as documented for clients: repeat it on 409, 429 and 5xx.

        Returns the final answer and the status of every attempt.
        """
        answer, statuses = repeat_while_asked(partial(self.post, body, key), _GIVE_UP_SECONDS, time)
        if answer.is_to_be_repeated:
            raise LocalError(f"The API still answers {answer.status} after {_GIVE_UP_SECONDS} s.")
        return answer, statuses

    def get(self, order_id: str) -> Answer:
        """Send `GET /orders/{order_id}`."""
        return self.call("GET", f"/orders/{order_id}")

    def call(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Send a request to the API once. Raises `LocalError` when no answer comes."""
        try:
            return send(method, self.url + path, {**self._always, **(headers or {})}, body, _TIMEOUT_SECONDS)
        except NoAnswerError as error:
            raise LocalError(str(error)) from error
