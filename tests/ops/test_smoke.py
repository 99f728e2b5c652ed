"""The smoke test finds each thing that a stack can do wrong, and waits as clients do."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from types import SimpleNamespace
from typing import Any, cast

import pytest

from lab.simulation.clock import Clock
from ops.errors import NoAccessError, OpsError
from ops.gateway.http import Answer, NoAnswerError, send
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
    """The API as it should be, but for what `wrong` replaces."""

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
    """A run against an API that is wrong as it is told to be."""

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
    # THEN every step is well, with one key, in the currency of tests, and the token is shown each time
    assert [step.outcome for step in found] == [Outcome.OK] * 5
    posts = [(headers["Idempotency-Key"], body["currency"]) for method, headers, body in api.sent if method == "POST"]
    assert set(posts) == {(run.run_id, "XTS")}
    assert {headers["Authorization"] for _, headers, _ in api.sent} == {"Bearer a-token"}


@pytest.mark.parametrize(
    ("red", "wrong"),
    [
        pytest.param("accepted", {"first": answer(401, {"message": "Unauthorized"})}, id="no token"),
        pytest.param("accepted", {"first": answer(202, {})}, id="no order in the answer"),
        pytest.param("replayed", {"again": answer(202, {**ACCEPTED, "order_id": "o-2"})}, id="another order"),
        pytest.param("replayed", {"again": answer(202, ACCEPTED)}, id="not marked"),
        pytest.param("refused with another body", {"other": answer(202, ACCEPTED)}, id="taken"),
        pytest.param("refused with another body", {"other": answer(422, {"type": "validation"})}, id="another problem"),
        pytest.param("rejected", {"looked_up": answer(404, {"title": "Not found"})}, id="not found"),
        pytest.param("rejected", {"looked_up": answer(200, {"status": "CONFIRMED"})}, id="out of nothing"),
        pytest.param("rejected", {"looked_up": answer(200, {**REJECTED, "reason": None})}, id="no reason"),
        pytest.param("rejected", {"looked_up": answer(200, {"status": "ACCEPTED"})}, id="never worked on"),
        pytest.param("rejected", {"looked_up": NoAnswerError("refused")}, id="not there"),
        pytest.param("published", {"record": "INPROGRESS"}, id="never published"),
        pytest.param("published", {"record": None}, id="no record"),
    ],
)
def test_what_is_wrong_fails_its_step_and_the_rest_is_skipped(
    smoke: Callable[..., tuple[Smoke, Api]], red: str, wrong: dict[str, Any]
) -> None:
    # GIVEN
    run, _ = smoke(**wrong)
    # WHEN
    found = list(run.steps())
    # THEN
    index = [step.name for step in found].index(red)
    outcomes = [Outcome.OK] * index + [Outcome.FAILED] + [Outcome.SKIPPED] * (4 - index)
    assert [step.outcome for step in found] == outcomes
    assert found[index].detail


def test_an_api_that_wants_a_token_says_nothing_about_the_stack(smoke: Callable[..., tuple[Smoke, Api]]) -> None:
    # GIVEN a stack with an issuer of somebody else
    run, _ = smoke(first=answer(401, {"message": "Unauthorized"}))
    run.token = None
    # WHEN no token is given
    with pytest.raises(NoAccessError) as caught:
        list(run.steps())
    # THEN nobody takes it for a failure of the stack
    assert "--token" in str(caught.value)


def test_what_says_later_is_asked_again_with_the_same_key_and_what_never_says_else_fails(
    smoke: Callable[..., tuple[Smoke, Api]],
) -> None:
    # GIVEN an API that is busy at first, and one that always is
    busy = answer(503, {"title": "Outcome unknown"}, retry_after="2")
    later = iter([NoAnswerError("reset"), answer(429, {}), _RIGHT["again"], _RIGHT["again"]])
    run, api = smoke(first=busy, again=later)
    # WHEN
    patient, *_ = run.steps()
    never, _ = smoke(first=busy, again=busy)
    hopeless, *_ = never.steps()
    # THEN
    assert patient.outcome is Outcome.OK
    assert patient.milliseconds >= 4_000
    assert len({headers.get("Idempotency-Key") for method, headers, _ in api.sent if method == "POST"}) == 1
    assert (hopeless.outcome, "503" in hopeless.detail) == (Outcome.FAILED, True)


def test_a_named_article_is_taken_once_and_how_to_give_it_back_is_said(
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


def test_the_first_clients_token_is_used_and_its_secret_is_asked_of_pulumi(monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN outputs as `pulumi stack output --json` shows them
    monkeypatch.setattr(token, "read_outputs", lambda _: ("prod", {**OUTPUTS, "token_client_secrets": "[secret]"}))
    asked: list[tuple[str, ...]] = []

    def ask(*words: str) -> str:
        asked.append(words)
        return '{"shop": "s-1", "audit": "s-2"}'

    monkeypatch.setattr(token, "ask_pulumi", ask)
    monkeypatch.setattr(token, "fetch_token", lambda *given: "/".join(given))
    # WHEN
    found = token_for(Choice(stack="prod"), None)
    # THEN
    assert found == "https://issuer.example.com/id-2/s-2"
    assert asked == [("prod", "stack", "output", "token_client_secrets", "--json", "--show-secrets")]


def test_without_secrets_a_token_is_asked_for_and_a_given_one_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN a file that was written without --show-secrets
    monkeypatch.setattr(token, "read_outputs", lambda _: ("", {**OUTPUTS, "token_client_secrets": "[secret]"}))
    monkeypatch.setattr("sys.stdin", SimpleNamespace(readline=lambda: "piped\n"))
    # WHEN
    with pytest.raises(NoAccessError) as caught:
        token_for(Choice(), None)
    # THEN
    assert "--show-secrets" in str(caught.value)
    assert [token_for(Choice(), given) for given in ("typed", "-")] == ["typed", "piped"]


def test_a_stack_without_issuer_needs_none(monkeypatch: pytest.MonkeyPatch) -> None:
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
        """Say nothing."""


def test_loopback_is_asked_past_any_proxy_and_a_refusal_is_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN a machine whose proxy is not there
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


def test_the_world_outside_is_asked_through_the_machines_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN a proxy that wants a name, and lets nobody through
    class Proxy(Echo):
        def do_CONNECT(self) -> None:
            asked.append((self.path, self.headers["Proxy-Authorization"]))
            self.send_error(403)

    asked: list[tuple[str, str]] = []
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
    assert asked == [("api.example.com:443", "Basic YW5uOnNAeQ==")]


@pytest.mark.parametrize("url", ["http://api.example.com/", "file:///etc/hostname", "api.example.com"])
def test_no_token_travels_in_clear(url: str) -> None:
    # GIVEN an address that is neither https nor loopback
    # WHEN
    with pytest.raises(OpsError) as caught:
        send("GET", url, {})
    # THEN
    assert "allowed: https" in str(caught.value)


def test_nobody_there_is_no_answer() -> None:
    # GIVEN a port that nobody listens on
    with HTTPServer(("127.0.0.1", 0), Echo) as server:
        port = server.server_port
    # WHEN
    # THEN
    with pytest.raises(NoAnswerError):
        send("GET", f"http://127.0.0.1:{port}/", {})
