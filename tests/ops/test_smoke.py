"""Tests the smoke test: its steps, wrong answers that make a step fail, repeated requests and the token."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from types import SimpleNamespace
from typing import Any, cast

import pytest

from lab.simulation.clock import Clock
from ops.errors import NoAccessError, OpsError
from ops.gateway.http import Answer, NoAnswerError, repeat_while_asked, send
from ops.gateway.orders import Orders
from ops.smoke import steps, token
from ops.smoke.steps import Outcome, Smoke
from ops.smoke.token import token_for
from ops.target import Choice

ACCEPTED = {"order_id": "o-1", "status": "ACCEPTED"}
REUSED = {"type": "urn:problem-type:orders:idempotency-key-reused", "title": "The key is used"}
REJECTED = {"status": "REJECTED", "reason": {"code": "UNKNOWN_SKU"}}


def answer(status: int, document: Mapping[str, Any], **headers: str) -> Answer:
    return Answer(
        status, {name.replace("_", "-"): text for name, text in headers.items()}, json.dumps(document).encode()
    )


class Api:
    """An API that answers correctly, except for the answers that `wrong` replaces."""

    def __init__(self, **wrong: Any) -> None:
        self.sent: list[tuple[str, dict[str, str], dict[str, Any]]] = []
        self._wrong = wrong
        self._keys: dict[str, Any] = {}

    def __call__(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None) -> Answer:
        assert url.startswith("https://api.example.com/orders")
        document = json.loads(body) if body else {}
        self.sent.append((method, dict(headers), document))
        found = self._wrong.get(kind := self._kind(method, headers, document), _RIGHT[kind])
        if isinstance(found, Iterator):
            found = next(found)
        if isinstance(found, Exception):
            raise found
        return cast("Answer", found)

    def _kind(self, method: str, headers: Mapping[str, str], document: Any) -> str:
        if method == "GET":
            return "looked_up"
        key = headers["Idempotency-Key"]
        if key not in self._keys:
            self._keys[key] = document
            return "first"
        return "again" if self._keys[key] == document else "other"


_RIGHT = {
    "first": answer(202, ACCEPTED),
    "again": answer(202, ACCEPTED, idempotent_replayed="true"),
    "other": answer(422, REUSED),
    "looked_up": answer(200, REJECTED),
}


@pytest.fixture
def smoke(monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[Smoke, Api]]:
    """Return a function that makes a smoke test and its API. The keywords in `wrong` replace answers of the API."""

    def make(record: str | None = "COMPLETED", confirm: str | None = None, **wrong: Any) -> tuple[Smoke, Api]:
        api = Api(**wrong)
        monkeypatch.setattr(steps, "send", api)
        orders = cast("Orders", SimpleNamespace(record_status=lambda _: record))
        return Smoke("https://api.example.com/", "a-token", orders, 60, confirm, Clock()), api

    return make


def test_a_stack_that_works_passes_every_step(smoke: Callable[..., tuple[Smoke, Api]]) -> None:
    # GIVEN
    run, api = smoke()
    # WHEN
    found = list(run.steps())
    # THEN every step passes; all POSTs have the same key and the currency XTS; every request carries the token
    assert [step.outcome for step in found] == [Outcome.OK] * 5
    posts = [(headers["Idempotency-Key"], body["currency"]) for method, headers, body in api.sent if method == "POST"]
    assert set(posts) == {(run.run_id, "XTS")}
    assert {headers["Authorization"] for _, headers, _ in api.sent} == {"Bearer a-token"}


@pytest.mark.parametrize(
    ("failed_step", "wrong"),
    [
        pytest.param("accepted", {"first": answer(401, {"message": "Unauthorized"})}, id="no token"),
        pytest.param("accepted", {"first": answer(202, {})}, id="no order in the answer"),
        pytest.param("replayed", {"again": answer(202, {**ACCEPTED, "order_id": "o-2"})}, id="another order"),
        pytest.param("replayed", {"again": answer(202, ACCEPTED)}, id="not marked"),
        pytest.param("refused with another body", {"other": answer(202, ACCEPTED)}, id="accepted"),
        pytest.param("refused with another body", {"other": answer(422, {"type": "validation"})}, id="another problem"),
        pytest.param("rejected", {"looked_up": answer(404, {"title": "Not found"})}, id="not found"),
        pytest.param("rejected", {"looked_up": answer(200, {"status": "CONFIRMED"})}, id="confirmed without stock"),
        pytest.param("rejected", {"looked_up": answer(200, {**REJECTED, "reason": None})}, id="no reason"),
        pytest.param("rejected", {"looked_up": answer(200, {"status": "ACCEPTED"})}, id="never settled"),
        pytest.param("rejected", {"looked_up": NoAnswerError("refused")}, id="no answer"),
        pytest.param("published", {"record": "INPROGRESS"}, id="never published"),
        pytest.param("published", {"record": None}, id="no record"),
    ],
)
def test_a_wrong_answer_fails_its_step_and_the_rest_is_skipped(
    smoke: Callable[..., tuple[Smoke, Api]], failed_step: str, wrong: dict[str, Any]
) -> None:
    # GIVEN
    run, _ = smoke(**wrong)
    # WHEN
    found = list(run.steps())
    # THEN
    index = [step.name for step in found].index(failed_step)
    outcomes = [Outcome.OK] * index + [Outcome.FAILED] + [Outcome.SKIPPED] * (4 - index)
    assert [step.outcome for step in found] == outcomes
    assert found[index].detail


def test_a_missing_token_is_no_failure_of_the_stack(smoke: Callable[..., tuple[Smoke, Api]]) -> None:
    # GIVEN an API that requires a token
    run, _ = smoke(first=answer(401, {"message": "Unauthorized"}))
    run.token = None
    # WHEN the smoke test runs without a token
    with pytest.raises(NoAccessError) as caught:
        list(run.steps())
    # THEN it ends with an error that asks for a token, instead of a failed step
    assert "--token" in str(caught.value)


def test_a_busy_api_is_retried_with_the_same_key_until_time_is_up(
    smoke: Callable[..., tuple[Smoke, Api]],
) -> None:
    # GIVEN an API that is busy at first, and one that is always busy
    busy = answer(503, {"title": "Outcome unknown"}, retry_after="2")
    later = iter([NoAnswerError("reset"), answer(429, {}), _RIGHT["again"], _RIGHT["again"]])
    run, api = smoke(first=busy, again=later)
    # WHEN
    retried, *_ = run.steps()
    never, _ = smoke(first=busy, again=busy)
    timed_out, *_ = never.steps()
    # THEN
    assert retried.outcome is Outcome.OK
    assert retried.milliseconds >= 4_000
    assert len({headers.get("Idempotency-Key") for method, headers, _ in api.sent if method == "POST"}) == 1
    assert (timed_out.outcome, "503" in timed_out.detail) == (Outcome.FAILED, True)


@pytest.mark.parametrize(("retry_after", "pause"), [("2", 2), ("9" * 400, 10), ("\xb2", 1), ("-1", 1), ("soon", 1)])
def test_a_valid_retry_after_header_sets_the_pause_and_an_invalid_one_means_1_s(retry_after: str, pause: int) -> None:
    # GIVEN an API that is busy once, and sends this Retry-After
    answers = iter([answer(503, {}, retry_after=retry_after), answer(202, ACCEPTED)])
    clock = Clock()
    began = clock.monotonic()
    # WHEN the request is repeated
    found, statuses = repeat_while_asked(lambda: next(answers), 60, clock)
    # THEN
    assert (found.status, statuses) == (202, [503, 202])
    assert clock.monotonic() - began == pytest.approx(pause)


def test_a_named_article_is_ordered_once_and_the_command_to_add_it_back_is_shown(
    smoke: Callable[..., tuple[Smoke, Api]],
) -> None:
    # GIVEN
    run, api = smoke(confirm="SKU-1", looked_up=iter([answer(200, REJECTED), answer(200, {"status": "CONFIRMED"})]))
    # WHEN
    *_, last = run.steps()
    # THEN
    assert (last.outcome, last.detail.endswith("python -m ops stock add SKU-1 1 --yes")) == (Outcome.OK, True)
    (line,) = [body["lines"] for _, _, body in api.sent if body and body["lines"][0]["sku"] == "SKU-1"]
    assert line[0]["quantity"] == 1


OUTPUTS = {"token_url": "https://issuer.example.com", "token_clients": {"shop": "id-1", "audit": "id-2"}}


@pytest.mark.parametrize("choice", [Choice(stack="prod"), Choice()], ids=["option", "variable"])
def test_the_alphabetically_first_client_is_used_and_pulumi_shows_its_secret(
    choice: Choice, monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN a stack that an option or a variable names; its outputs hide the clients' secrets
    monkeypatch.setenv("ORDERS_STACK", "prod" if choice.stack is None else "dev")
    monkeypatch.setattr(token, "read_outputs", lambda _: ("prod", {**OUTPUTS, "token_client_secrets": "[secret]"}))
    calls: list[tuple[str, ...]] = []

    def ask(*words: str) -> str:
        calls.append(words)
        return '{"shop": "s-1", "audit": "s-2"}'

    monkeypatch.setattr(token, "run_pulumi", ask)
    monkeypatch.setattr(token, "fetch_token", lambda *given: "/".join(given))
    # WHEN
    found = token_for(choice, None)
    # THEN
    assert found == "https://issuer.example.com/id-2/s-2"
    assert calls == [("prod", "stack", "output", "token_client_secrets", "--json", "--show-secrets")]


@pytest.mark.parametrize(
    ("choice", "variable"),
    [(Choice(outputs=Path("prod.json")), "prod"), (Choice(local=True), "prod"), (Choice(), "local"), (Choice(), None)],
    ids=["file", "local stack", "variable says local", "no variable"],
)
def test_a_token_must_be_given_if_the_clients_secrets_are_not_known(
    choice: Choice, variable: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN outputs without secrets. Pulumi cannot show the secrets, because the outputs are in a file, the stack is the
    # local one, or no stack is named
    monkeypatch.delenv("ORDERS_STACK", raising=False)
    if variable is not None:
        monkeypatch.setenv("ORDERS_STACK", variable)
    monkeypatch.setattr(token, "read_outputs", lambda _: ("", {**OUTPUTS, "token_client_secrets": "[secret]"}))
    monkeypatch.setattr("sys.stdin", SimpleNamespace(readline=lambda: "piped\n"))
    # WHEN
    with pytest.raises(NoAccessError) as caught:
        token_for(choice, None)
    # THEN
    assert "--show-secrets" in str(caught.value)
    assert [token_for(choice, given) for given in ("typed", "-")] == ["typed", "piped"]


def test_a_stack_without_issuer_needs_no_token(monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN
    monkeypatch.setattr(token, "read_outputs", lambda _: ("", {}))
    # WHEN
    # THEN
    assert token_for(Choice(), None) is None


class Echo(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(418)
        self.send_header("X-Seen", self.headers["X-Given"])
        self.end_headers()
        self.wfile.write(b"[1]")

    def log_message(self, *_: Any) -> None:
        """Log nothing."""


def test_requests_to_loopback_use_no_proxy_and_status_418_raises_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN a machine with a proxy that does not answer
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with HTTPServer(("127.0.0.1", 0), Echo) as server:
        thread = Thread(target=server.handle_request)
        thread.start()
        # WHEN
        found = send("GET", f"http://127.0.0.1:{server.server_port}/", {"X-Given": "yes"})
        thread.join()
    # THEN
    assert (found.status, found.headers["x-seen"], found.body, found.document) == (418, "yes", b"[1]", {})


def test_requests_to_other_hosts_use_the_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN a proxy that refuses every connection; its URL contains credentials
    class Proxy(Echo):
        def do_CONNECT(self) -> None:
            calls.append((self.path, self.headers["Proxy-Authorization"]))
            self.send_error(403)

    calls: list[tuple[str, str]] = []
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    with HTTPServer(("127.0.0.1", 0), Proxy) as server:
        monkeypatch.setenv("https_proxy", f"http://ann:s%40y@127.0.0.1:{server.server_port}")
        thread = Thread(target=server.handle_request)
        thread.start()
        # WHEN
        with pytest.raises(NoAnswerError, match="403"):
            send("GET", "https://api.example.com/orders", {})
        thread.join()
    # THEN
    assert calls == [("api.example.com:443", "Basic YW5uOnNAeQ==")]


@pytest.mark.parametrize("url", ["http://api.example.com/", "file:///etc/hostname", "api.example.com"])
def test_no_token_is_sent_unencrypted(url: str) -> None:
    # GIVEN an address that is neither https nor loopback
    # WHEN
    with pytest.raises(OpsError) as caught:
        send("GET", url, {})
    # THEN
    assert "allowed: https" in str(caught.value)


def test_a_port_without_listener_counts_as_no_answer() -> None:
    # GIVEN a port on which no process listens
    with HTTPServer(("127.0.0.1", 0), Echo) as server:
        port = server.server_port
    # WHEN
    # THEN
    with pytest.raises(NoAnswerError):
        send("GET", f"http://127.0.0.1:{port}/", {})
