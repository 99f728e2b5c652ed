"""The retry loop that docs/api.md shows does what it promises."""

import re
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import requests

GUIDE = Path(__file__).resolve().parents[3] / "docs" / "api.md"
ORDER = {"currency": "EUR"}


class Server:
    """Gives `answers` one after the other; an exception is raised."""

    def __init__(self, *answers: object) -> None:
        self.answers = list(answers)
        self.requests: list[Any] = []
        self.waits: list[float] = []

    def post(self, url: str, **request: Any) -> Any:
        """One request."""
        self.requests.append((url, request["json"], request["headers"]))
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def answer(status: int, **headers: str) -> object:
    """What `requests` returns."""
    return SimpleNamespace(status_code=status, headers=headers, text="", json=lambda: {"order_id": "the order"})


def submit_to(server: Server) -> Callable[..., dict[str, Any]]:
    """The guide's `submit`, with `server` behind it and a clock that moves by waiting."""
    (code,) = re.findall(r"```python\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    names: dict[str, Any] = {}
    exec(code, names)  # noqa: S102 - the guide's own code is what is tested
    names["requests"] = SimpleNamespace(post=server.post, RequestException=requests.RequestException)
    names["time"] = SimpleNamespace(monotonic=lambda: sum(server.waits), sleep=server.waits.append)
    submit: Callable[..., dict[str, Any]] = names["submit"]
    return submit


def test_every_doubt_is_repeated_with_the_same_key_and_body() -> None:
    # GIVEN
    doubts = [requests.ConnectionError(), answer(503), answer(429), answer(409), answer(500), requests.Timeout()]
    server = Server(*doubts, answer(202))

    # WHEN
    accepted = submit_to(server)("http://api", ORDER, "key-1")

    # THEN
    assert accepted == {"order_id": "the order"}
    assert len(server.requests) == 7
    assert all(request == ("http://api/orders", ORDER, {"Idempotency-Key": "key-1"}) for request in server.requests)


def test_retry_after_is_the_least_wait() -> None:
    # GIVEN
    server = Server(answer(503, **{"Retry-After": "7"}), answer(202))

    # WHEN
    submit_to(server)("http://api", ORDER, "key-1")

    # THEN
    assert server.waits == [7.0]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 415, 422])
def test_what_is_wrong_is_not_repeated(status: int) -> None:
    # GIVEN
    server = Server(answer(status))

    # WHEN
    with pytest.raises(ValueError, match=str(status)):
        submit_to(server)("http://api", ORDER, "key-1")

    # THEN
    assert len(server.requests) == 1


def test_the_loop_ends_and_says_that_the_outcome_is_unknown() -> None:
    # GIVEN
    server = Server(*[answer(503)] * 100)

    # WHEN
    with pytest.raises(TimeoutError, match="key-1"):
        submit_to(server)("http://api", ORDER, "key-1", deadline_seconds=60)

    # THEN
    assert sum(server.waits) <= 60
