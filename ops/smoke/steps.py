"""Steps of the smoke test. They follow one order from the API through the queue to the worker, which rejects it.

The test creates no AWS resource, so there is nothing to clean up, even after a kill. The rejected order
stays in the orders table. Its currency is one that no shop uses. The order's idempotency records expire. Only a
second order (`confirm`) takes stock: one unit.
"""

import json
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from http import HTTPStatus
from typing import Final

from ops.errors import NoAccessError, OpsError
from ops.gateway.http import Answer, NoAnswerError, bearer, repeat_while_asked, send
from ops.gateway.orders import Orders
from ops.logic.stored import COMPLETED
from runtime.logic.clock import Clock
from runtime.models.fields import TEST_CURRENCY

_KEY_REUSED: Final = "urn:problem-type:orders:idempotency-key-reused"
_FINAL: Final = frozenset({"CONFIRMED", "REJECTED", "DISCARDED"})
_LOOK_SECONDS: Final = 1.0


class Outcome(StrEnum):
    """Outcome of a step. Steps after a failed one are skipped."""

    OK = "ok"
    FAILED = "failed"
    SKIPPED = "skipped"


class StepError(OpsError):
    """The stack did not do what a step expects."""


@dataclass(frozen=True)
class Step:
    """One step, and how it ended."""

    name: str
    outcome: Outcome
    detail: str
    milliseconds: int


@dataclass
class Smoke:
    """One run of the smoke test.

    Attributes:
        timeout_seconds: How long requests are repeated, and how long the worker may take.
        confirm: The article of a second order (one unit), which should be confirmed. `None`: no second order.
    """

    api_url: str
    token: str | None
    orders: Orders
    timeout_seconds: float
    confirm: str | None = None
    clock: Clock = time
    run_id: str = field(default_factory=lambda: uuid.uuid4().hex)
    order_id: str = ""

    def steps(self) -> Iterator[Step]:
        """Yield each step when it has ended. Steps after a failed one are skipped.

        Raises:
            NoAccessError: the API needs a token, and none was given. The stack may still be healthy.
        """
        failed = False
        for name, action in self._actions():
            if failed:
                yield Step(name, Outcome.SKIPPED, "", 0)
                continue
            started = self.clock.monotonic()
            try:
                outcome, detail = Outcome.OK, action()
            except (StepError, NoAnswerError) as error:
                outcome, detail, failed = Outcome.FAILED, str(error), True
            yield Step(name, outcome, detail, round(1_000 * (self.clock.monotonic() - started)))

    def _actions(self) -> list[tuple[str, Callable[[], str]]]:
        unknown = f"SMOKE-{self.run_id[:12]}"
        first: list[Answer] = []
        actions: list[tuple[str, Callable[[], str]]] = [
            ("accepted", lambda: self._accept(unknown, first)),
            ("replayed", lambda: self._replay(unknown, first[0])),
            ("refused with another body", lambda: self._other_body(unknown)),
            ("rejected", lambda: self._settled(self.order_id, "REJECTED", "UNKNOWN_SKU")),
            ("published", lambda: self._published(self.order_id)),
        ]
        if self.confirm is not None:
            actions.append((f"{self.confirm} confirmed", lambda: self._confirmed(str(self.confirm))))
        return actions

    def _accept(self, sku: str, first: list[Answer]) -> str:
        answer = self._post(sku, 1, self.run_id)
        if answer.status == HTTPStatus.UNAUTHORIZED and self.token is None:
            raise NoAccessError("The API needs a token, and none was given. Give one: --token - (standard input).")
        self.order_id = _accepted(answer)
        first.append(answer)
        return f"order {self.order_id}"

    def _replay(self, sku: str, first: Answer) -> str:
        again = self._post(sku, 1, self.run_id)
        if (again.status, again.body) != (first.status, first.body):
            raise StepError(f"the repeated request was answered differently: {_shown(again)}")
        if not again.is_replay:
            raise StepError("the repeated answer is not marked with Idempotent-Replayed: true")
        return "the same bytes, marked as a replay"

    def _other_body(self, sku: str) -> str:
        answer = self._post(sku, 2, self.run_id)
        if (answer.status, answer.document.get("type")) != (HTTPStatus.UNPROCESSABLE_ENTITY, _KEY_REUSED):
            raise StepError(f"the same key with another body was not refused: {_shown(answer)}")
        return "422"

    def _settled(self, order_id: str, status: str, code: str | None = None) -> str:
        seen = "nothing"

        def is_settled() -> bool:
            nonlocal seen
            try:
                answer = self._send("GET", f"/orders/{order_id}")
            except NoAnswerError as error:
                seen = str(error)
                return False
            if answer.status == HTTPStatus.NOT_FOUND:
                raise StepError(f"the API does not return order {order_id} to its caller: {_shown(answer)}")
            seen = str(answer.document.get("status", _shown(answer)))
            if seen not in _FINAL:
                return False
            reason = (answer.document.get("reason") or {}).get("code")
            if seen != status or (code is not None and reason != code):
                raise StepError(
                    f"order {order_id} ended as {_with_reason(seen, reason)}; expected: {_with_reason(status, code)}"
                )
            return True

        self._wait(
            is_settled,
            lambda: f"order {order_id} is not final, last seen: {seen}. Look: python -m ops order trace {order_id}",
        )
        return _with_reason(status, code)

    def _published(self, order_id: str) -> str:
        # The worker completes its record only after the topic or bus has accepted the event.
        self._wait(
            lambda: self.orders.record_status(order_id) == COMPLETED,
            lambda: f"the event was not published. Look: python -m ops order trace {order_id}",
        )
        return f"order.rejected, currency {TEST_CURRENCY}"

    def _confirmed(self, sku: str) -> str:
        order_id = _accepted(self._post(sku, 1, f"{self.run_id}-confirm"))
        self._settled(order_id, "CONFIRMED")
        return f"order {order_id} took one unit; to give it back: python -m ops stock add {sku} 1 --yes"

    def _post(self, sku: str, quantity: int, key: str) -> Answer:
        """Send `POST /orders`. As clients should, repeat it with the same key after 409, 429, 5xx or no answer."""
        body = {"currency": TEST_CURRENCY, "lines": [{"sku": sku, "quantity": quantity, "unit_price": "0.01"}]}
        post = partial(self._send, "POST", "/orders", json.dumps(body).encode(), key)
        return repeat_while_asked(post, self.timeout_seconds, self.clock)[0]

    def _send(self, method: str, path: str, body: bytes | None = None, key: str | None = None) -> Answer:
        headers = {"X-Correlation-Id": f"smoke-{self.run_id}", **bearer(self.token)}
        if body is not None:
            headers["Content-Type"] = "application/json"
        if key is not None:
            headers["Idempotency-Key"] = key
        return send(method, self.api_url.rstrip("/") + path, headers, body)

    def _wait(self, probe: Callable[[], bool], otherwise: Callable[[], str]) -> None:
        deadline = self.clock.monotonic() + self.timeout_seconds
        while not probe():
            if self.clock.monotonic() > deadline:
                raise StepError(f"after {self.timeout_seconds:.0f} s {otherwise()}")
            self.clock.sleep(_LOOK_SECONDS)


def _accepted(answer: Answer) -> str:
    order_id = answer.document.get("order_id")
    if answer.status != HTTPStatus.ACCEPTED or not isinstance(order_id, str):
        hint = " Give a token: --token -" if answer.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN) else ""
        raise StepError(f"the order was not accepted: {_shown(answer)}{hint}")
    return order_id


def _with_reason(status: str, code: str | None) -> str:
    return f"{status} ({code})" if code else status


def _shown(answer: Answer) -> str:
    """Return an answer's status with a short explanation.

    The explanation is the `title` if our code answered, the `message` if API Gateway answered, or else
    the content type.
    """
    document = answer.document
    text = document.get("title") or document.get("message") or answer.headers.get("content-type", "no content")
    return f"{answer.status} {text}"
