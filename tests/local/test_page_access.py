"""Tests that the page gives data only to requests with its key and from its own origin.

No GET changes anything, and the page's scripts render data as text.
"""

import re
import socket
import time
from collections.abc import Iterator, Mapping
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import cast
from urllib.parse import urlsplit

import pytest
from starlette.routing import Route

from local.instance import ROOT, StateDir
from local.page.app import Page, files
from local.page.server import PageServer
from local.ports import LOOPBACK
from local.proxy.faults import Faults

STATIC = ROOT / "local" / "page" / "static"


class Visitor:
    """A client on this machine, with or without the key."""

    def __init__(self, server: PageServer) -> None:
        parts = urlsplit(server.url)
        self.port = parts.port or 0
        self.key = {"X-Page-Key": parts.fragment.removeprefix("key=")}

    def request(self, method: str, path: str, headers: Mapping[str, str], body: bytes | None = None) -> HTTPResponse:
        connection = HTTPConnection(LOOPBACK, self.port, timeout=10)
        connection.request(method, path, body, dict(headers))
        answer = connection.getresponse()
        answer.read()
        connection.close()
        return answer


@pytest.fixture(scope="module")
def faults() -> Faults:
    return Faults()


@pytest.fixture(scope="module")
def visitor(tmp_path_factory: pytest.TempPathFactory, faults: Faults) -> Iterator[Visitor]:
    server = PageServer(StateDir(tmp_path_factory.mktemp("state")), faults)
    server.start()
    yield Visitor(server)
    server.stop()


FAULT = b'{"service": "dynamodb", "kind": "error"}'
ROUTES = cast("list[Route]", Page(StateDir(Path()), Faults()).app().routes)
PATHS = [re.sub(r"\{.*?\}", "1", route.path) for route in ROUTES]
DATA = sorted(set(PATHS) - files().keys())
READ = {route.path for route in ROUTES if "GET" in (route.methods or ())}
ACTS = [route for route in ROUTES if "POST" in (route.methods or ()) and route.path not in READ]


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "OPTIONS", "BREW"])
@pytest.mark.parametrize("key", [{}, {"X-Page-Key": ""}, {"X-Page-Key": "guessed"}, {"X-Page-Key": "\xff"}])
def test_without_the_key_there_is_no_data(visitor: Visitor, method: str, key: dict[str, str]) -> None:
    # GIVEN a client without the key / WHEN it requests every path except the static files / THEN each is refused
    assert {path: visitor.request(method, path, key, b"").status for path in DATA} == dict.fromkeys(DATA, 403)


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "evil.example:{port}"},
        {"Host": LOOPBACK},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost:3000"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_another_host_name_or_origin_is_refused_even_with_the_key(visitor: Visitor, headers: dict[str, str]) -> None:
    # GIVEN the right key, and a header that shows an attack: DNS rebinding, or a call from a page of another origin
    sent = {name: value.format(port=visitor.port) for name, value in headers.items()} | visitor.key
    # WHEN / THEN even the page's files are refused
    assert {path: visitor.request("GET", path, sent).status for path in PATHS} == dict.fromkeys(PATHS, 403)


def test_a_fault_is_turned_on_and_off_with_the_key(visitor: Visitor, faults: Faults) -> None:
    # GIVEN / WHEN the page's script adds a fault
    own = {**visitor.key, "Origin": f"http://localhost:{visitor.port}", "Sec-Fetch-Site": "same-origin"}
    assert visitor.request("POST", "/api/faults", {**own, "Host": f"localhost:{visitor.port}"}, FAULT).status == 200
    (rule,) = faults.list()
    # THEN the fault applies until the script removes it
    assert visitor.request("POST", f"/api/faults/{rule.id}/remove", visitor.key).status == 200
    assert faults.list() == []


@pytest.mark.parametrize("body", [b'{"service": "nosuch", "kind": "error"}', b'{"kind": "error"}', b"<", b"[]"])
def test_an_invalid_request_is_refused(visitor: Visitor, faults: Faults, body: bytes) -> None:
    # GIVEN / WHEN / THEN
    assert visitor.request("POST", "/api/faults", visitor.key, body).status == 422
    assert faults.list() == []


def test_no_get_changes_anything(visitor: Visitor) -> None:
    # GIVEN every path that accepts only POST / WHEN it is called with GET / THEN it is refused
    paths = [re.sub(r"\{.*?\}", "1", each.path) for each in ACTS]
    assert len(paths) == 9
    assert {visitor.request("GET", path, visitor.key).status for path in paths} == {405}


@pytest.mark.parametrize("size", ["262145", "-1", "x", "²"])
def test_a_body_needs_a_valid_length_within_the_limit(visitor: Visitor, size: str) -> None:
    # GIVEN / WHEN a body's length is missing, invalid or too large / THEN the body is refused before it is read
    head = (
        f"POST /api/faults HTTP/1.1\r\nHost: {LOOPBACK}:{visitor.port}\r\nX-Page-Key: {visitor.key['X-Page-Key']}\r\n"
    )
    for rest in (f"Content-Length: {size}\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"):
        with socket.create_connection((LOOPBACK, visitor.port), timeout=5) as connection:
            connection.sendall((head + rest).encode())
            assert connection.recv(64).split()[1] in {b"400", b"403"}


def test_every_answer_has_the_security_headers(visitor: Visitor) -> None:
    # GIVEN no running stack / WHEN four paths are requested
    answers = [
        visitor.request("GET", "/", {}),  # a file
        visitor.request("GET", "/api/openapi.json", visitor.key),  # data of the stack, which does not run
        visitor.request("GET", "/api/stack", {}),  # data, but without the key
        visitor.request("GET", "/nothing", visitor.key),  # an unknown path
    ]
    # THEN
    assert [each.status for each in answers] == [200, 422, 403, 404]
    for each in answers:
        assert (each.headers["content-security-policy"] or "").startswith("default-src 'self';")
        assert "unsafe" not in each.headers["content-security-policy"]
        assert each.headers["x-content-type-options"] == "nosniff"
        assert each.headers["referrer-policy"] == "no-referrer"
        assert "access-control-allow-origin" not in each.headers


def test_the_pages_scripts_render_data_as_text_and_call_no_other_host() -> None:
    # GIVEN the page's files / WHEN
    texts = {path.name: path.read_text() for path in STATIC.iterdir()}
    # THEN they render data as text, have no inline scripts, and load nothing from other hosts
    assert {
        name for name, text in texts.items() if re.search(r"\w+HTML\b|document\.write|\beval\b|Function\(", text)
    } == set()
    assert {
        name for name, text in texts.items() if re.search(r"""(?:src|href|url)[=(]["']?(?:https?:)?//""", text)
    } == set()
    assert [name for name, text in texts.items() if re.search(r"<script>|\son\w+=|\sstyle=", text)] == []


def test_the_server_stops_while_a_page_is_open(tmp_path: Path) -> None:
    # GIVEN a page whose script waits for events
    server = PageServer(StateDir(tmp_path), Faults())
    server.start()
    visitor = Visitor(server)
    connection = HTTPConnection(LOOPBACK, visitor.port, timeout=10)
    connection.request("GET", "/api/live", headers=visitor.key)
    stream = connection.getresponse()
    assert stream.status == 200
    # WHEN the server is stopped / THEN it stops at once, and the port is free
    started = time.monotonic()
    server.stop()
    assert time.monotonic() - started < 2
    stream.read()  # raises an error if the answer is not complete
    connection.close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((LOOPBACK, visitor.port), timeout=1)
