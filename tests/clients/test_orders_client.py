"""Tests that the Python client keeps the API's contract, against a server with scripted answers and failures."""

import json
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from orders_client import (
    ClientCredentials,
    FixedToken,
    NotFinalError,
    OrdersClient,
    OutcomeUnknownError,
    ProblemError,
    Submission,
    TokenRefusedError,
)

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "api.md"
ORDER = {"currency": "EUR", "lines": [{"sku": "SKU-1", "quantity": 2, "unit_price": Decimal("19.90")}]}
ACCEPTED = {
    "order_id": "1bfa2889-307d-56d4-8339-4dc839c7313d",
    "status": "ACCEPTED",
    "total": "39.80",
    "currency": "EUR",
    "accepted_at": "2026-01-31T12:00:00.000Z",
}
Answer = tuple[int, dict[str, str], object]
RESET = 0
SILENT = -1


@dataclass
class Server:
    """Sends `answers` (status, headers, JSON) in order, and then repeats the last one."""

    answers: list[Answer]
    requests: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    url: str = ""

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        """Answer one request."""
        body = handler.rfile.read(int(handler.headers.get("Content-Length", 0)))
        self.requests.append((f"{handler.command} {handler.path}", dict(handler.headers), body))
        status, headers, document = self.answers[0] if len(self.answers) == 1 else self.answers.pop(0)
        if status == SILENT:
            time.sleep(0.5)
        if status <= 0:
            # The request was read and perhaps processed, but gets no answer.
            handler.close_connection = True
            return
        data = document if isinstance(document, bytes) else json.dumps(document).encode()
        handler.send_response(status)
        for name, value in {"Content-Length": str(len(data)), **headers}.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(data)


Serve = Callable[..., Server]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Provide a function that starts servers on loopback; they stop at the end of the test."""
    running = []

    def start(*answers: Answer) -> Server:
        server = Server(list(answers))

        class Handler(BaseHTTPRequestHandler):
            def do(self) -> None:
                server.answer(self)

            do_GET = do_POST = do  # noqa: N815 - http.server's names

            def log_message(self, *_: object) -> None:
                pass

        listening = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        running.append(listening)
        server.url = f"http://127.0.0.1:{listening.server_port}"
        return server

    yield start
    for listening in running:
        with listening:
            listening.shutdown()


class Clock:
    """A clock that advances only when the client waits."""

    def __init__(self) -> None:
        self.waits: list[float] = []

    def now(self) -> float:
        """Seconds waited so far."""
        return sum(self.waits)


def client(server: Server, clock: Clock, tokens: Any = None) -> OrdersClient:
    return OrdersClient(server.url, tokens, clock=clock.now, sleep=clock.waits.append)


def problem(status: int, **headers: str) -> Answer:
    return status, headers, {"type": f"urn:t:{status}", "title": "No", "detail": f"because of {status}"}


def status_answer(order_status: str, **more: object) -> Answer:
    return 200, {}, {**ACCEPTED, "status": order_status, **more}


def test_every_unclear_outcome_is_retried_with_the_same_key_and_body(serve: Serve) -> None:
    # GIVEN a server that resets, throttles, fails, is busy, sends half an answer, and finally accepts
    unclear = [(RESET, {}, None), problem(503), (429, {}, {"message": "Too Many Requests"}), problem(409)]
    server = serve(*unclear, problem(500), (202, {}, b'{"order_id": "1bf'), (202, {}, ACCEPTED))
    submission = Submission.of(ORDER)

    # WHEN the order is submitted
    accepted = client(server, clock := Clock()).submit(submission)

    # THEN all requests are the same, with a pause before each retry, and the result is the server's answer
    assert (accepted.order_id, accepted.total) == (ACCEPTED["order_id"], Decimal("39.80"))
    assert accepted.accepted_at == datetime(2026, 1, 31, 12, tzinfo=UTC)
    assert {(what, body) for what, _, body in server.requests} == {("POST /orders", submission.body.encode())}
    assert {headers["Idempotency-Key"] for _, headers, _ in server.requests} == {submission.key}
    assert len(server.requests) == 7
    assert len(clock.waits) == 6


def test_the_client_does_not_wait_for_a_slow_server_beyond_the_deadline(serve: Serve) -> None:
    # GIVEN a server that sends no answer before the deadline
    server = serve((SILENT, {}, None))

    # WHEN / THEN the request ends at the deadline, and the error has the submission for a retry
    began = time.monotonic()
    with pytest.raises(OutcomeUnknownError) as caught:
        OrdersClient(server.url).submit(submission := Submission.of(ORDER), deadline_seconds=0.2)
    assert time.monotonic() - began < 0.45
    assert caught.value.submission == submission


def test_a_stored_submission_is_retried_with_the_same_key_and_body(serve: Serve) -> None:
    # GIVEN a stored submission, and a server that answers with a replay
    stored = Submission.of(ORDER).to_json()
    server = serve((202, {"Idempotent-Replayed": "true"}, ACCEPTED))

    # WHEN
    accepted = client(server, Clock()).submit(Submission.from_json(stored))

    # THEN
    ((_, headers, body),) = server.requests
    assert (headers["Idempotency-Key"], body.decode()) == (json.loads(stored)["key"], json.loads(stored)["body"])
    assert accepted.replayed


@pytest.mark.parametrize(("given", "least"), [("7", 7), ("a date", 290), ("soon", 0), ("-5", 0)])
def test_a_wait_is_never_shorter_than_the_retry_after_header(serve: Serve, given: str, least: float) -> None:
    # GIVEN a header with seconds, with a date five minutes from now, or with neither
    header = format_datetime(datetime.now(UTC) + timedelta(minutes=5), usegmt=True) if given == "a date" else given
    server = serve(problem(503, **{"Retry-After": header}), (202, {}, ACCEPTED))

    # WHEN
    client(server, clock := Clock()).submit(Submission.of(ORDER))

    # THEN
    (waited,) = clock.waits
    assert max(least, 0.5) <= waited <= max(1.1 * least, 1)


@pytest.mark.parametrize("status", [301, 400, 401, 403, 404, 413, 415, 422])
def test_a_permanent_error_raises_a_problem_without_a_retry(serve: Serve, status: int) -> None:
    # GIVEN
    server = serve(problem(status))

    # WHEN
    with pytest.raises(ProblemError, match=f"{status}: because of {status}") as caught:
        client(server, clock := Clock()).submit(Submission.of(ORDER))

    # THEN
    assert (caught.value.status, caught.value.type) == (status, f"urn:t:{status}")
    assert (len(server.requests), clock.waits) == (1, [])


def test_the_deadline_limits_all_retries_together(serve: Serve) -> None:
    # GIVEN
    server = serve(problem(503))

    # WHEN
    with pytest.raises(OutcomeUnknownError, match="last result: 503"):
        client(server, clock := Clock()).submit(Submission.of(ORDER), deadline_seconds=60)

    # THEN there are few retries, and none is later than the deadline
    assert 4 <= len(clock.waits) <= 10
    assert clock.now() < 60


def test_a_refused_token_is_renewed_once_and_a_second_refusal_raises_a_problem_error(serve: Serve) -> None:
    # GIVEN an issuer with a new token each time, an API that refuses the first token, and an API
    # that refuses every token
    issuer = serve(*[(200, {}, {"access_token": f"token-{n}", "expires_in": 3600}) for n in range(9)])
    tokens = ClientCredentials(issuer.url, "shop", "s3:cret", "orders/write")
    server, strict = serve(problem(401), (202, {}, ACCEPTED)), serve((401, {}, {"message": "Unauthorized"}))

    # WHEN
    client(server, Clock(), tokens).submit(Submission.of(ORDER))
    client(server, Clock(), tokens).submit(Submission.of(ORDER))
    with pytest.raises(ProblemError, match="401: Unauthorized"):
        client(strict, Clock(), tokens).submit(Submission.of(ORDER))
    with pytest.raises(ProblemError, match="401"):
        client(strict, Clock(), FixedToken("mine")).submit(Submission.of(ORDER))

    # THEN a token is reused until the API refuses it, and after a refusal there is one more request
    sent = [headers["Authorization"] for _, headers, _ in server.requests + strict.requests]
    assert sent[:3] == ["Bearer token-0", "Bearer token-1", "Bearer token-1"]
    assert sent[3:] == ["Bearer token-1", "Bearer token-2", "Bearer mine", "Bearer mine"]
    assert issuer.requests[0][1]["Authorization"] == "Basic c2hvcDpzMyUzQWNyZXQ="
    assert issuer.requests[0][2] == b"grant_type=client_credentials&scope=orders%2Fwrite"


def test_a_failing_issuer_is_retried_and_a_refusal_is_reported(serve: Serve) -> None:
    # GIVEN an issuer that fails, limits requests, returns invalid answers and then works, and an issuer that refuses
    nonsense: list[Answer] = [
        (503, {}, {}),
        (429, {}, {}),
        (200, {}, b"<html>"),
        (200, {}, {"token": "x"}),
    ]
    issuer = serve(*nonsense, (200, {}, {"access_token": "good"}))
    server, clock = serve((202, {}, ACCEPTED)), Clock()

    # WHEN
    client(server, clock, ClientCredentials(issuer.url, "shop", "secret")).submit(Submission.of(ORDER))
    with pytest.raises(TokenRefusedError, match="answered 400"):
        client(server, clock, ClientCredentials(serve((400, {}, {})).url, "shop", "bad")).submit(Submission.of(ORDER))

    # THEN the API receives only requests with a token
    assert [headers["Authorization"] for _, headers, _ in server.requests] == ["Bearer good"]
    assert len(clock.waits) == len(nonsense)


def test_waiting_ends_at_a_final_status_and_an_unknown_status_is_not_final(serve: Serve) -> None:
    # GIVEN an order that becomes final late, after a status that this client does not know
    steps = [
        status_answer("ACCEPTED"),
        (RESET, {}, None),
        problem(500),
        status_answer("DELAYED"),
        status_answer("BEING_PACKED"),
    ]
    rejected = status_answer("REJECTED", reason={"code": "OUT_OF_STOCK", "skus": ["SKU-1"]}, colour="new")
    server = serve(*steps, rejected)

    # WHEN
    order = client(server, Clock()).wait(ACCEPTED["order_id"])

    # THEN
    assert (order.status, order.final, order.reason) == ("REJECTED", True, {"code": "OUT_OF_STOCK", "skus": ["SKU-1"]})
    assert order.document["colour"] == "new"
    assert {what for what, _, _ in server.requests} == {f"GET /orders/{ACCEPTED['order_id']}"}


def test_an_order_that_is_not_final_in_time_or_does_not_exist_is_an_error(serve: Serve) -> None:
    # GIVEN
    waiting, absent = serve(status_answer("DELAYED")), serve(problem(404))

    # WHEN / THEN
    with pytest.raises(NotFinalError, match="DELAYED") as caught:
        client(waiting, Clock()).wait("an-id", deadline_seconds=30)
    assert caught.value.order is not None
    assert client(waiting, Clock()).order("an-id").status == "DELAYED"
    with pytest.raises(ProblemError, match="404"):
        client(absent, Clock()).wait("an-id")


def test_a_decimal_amount_is_sent_exactly_and_a_float_is_refused() -> None:
    # GIVEN / WHEN / THEN
    assert json.loads(Submission.of({"unit_price": Decimal("1E+2")}).body) == {"unit_price": "100"}
    with pytest.raises(TypeError, match=r"float 19\.9"):
        Submission.of({"lines": [{"unit_price": 19.9}]})


def test_the_example_of_the_guide_works(serve: Serve, tmp_path: Path) -> None:
    # GIVEN the example of docs/api.md, with the addresses of test servers
    (code,) = re.findall(r"```python\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    issuer = serve((200, {}, {"access_token": "good"}))
    api = serve((202, {}, ACCEPTED), status_answer("CONFIRMED"))
    names: dict[str, Any] = {
        "API": api.url,
        "TOKEN_URL": issuer.url,
        "CLIENT_ID": "shop",
        "CLIENT_SECRET": "s",
        "KEPT": tmp_path / "k",
    }

    # WHEN
    exec(code, names)  # noqa: S102 - the guide's own code is what is tested

    # THEN the example stores the submission, and waits for the order's final status
    assert json.loads((tmp_path / "k").read_text())["key"] == api.requests[0][1]["Idempotency-Key"]
    assert names["order"].status == "CONFIRMED"
