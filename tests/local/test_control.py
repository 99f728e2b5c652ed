"""The control endpoint: for whoever has the token, and nobody else."""

import socket
import threading
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from local.control import Control, ControlServer
from local.errors import LocalError
from local.proxy.faults import Faults
from tests.local.factories import rule
from tests.local.test_instance import instance


@pytest.fixture
def stopped() -> threading.Event:
    return threading.Event()


@pytest.fixture
def server(stopped: threading.Event) -> Iterator[ControlServer]:
    server = ControlServer(Faults(), "secret", stopped.set)
    server.start()
    yield server
    server.stop()


def test_rules_are_added_listed_and_cleared(server: ControlServer) -> None:
    # GIVEN a supervisor
    control = Control(instance(control_url=server.url))

    # WHEN a rule is added
    added = control.add_fault(rule(count=2))

    # THEN it is listed until it is cleared
    assert control.faults() == [added]
    assert control.clear_faults() == 1
    assert control.faults() == []


def test_stop_is_passed_on(server: ControlServer, stopped: threading.Event) -> None:
    # GIVEN a supervisor
    # WHEN it is asked to stop
    Control(instance(control_url=server.url)).stop()

    # THEN it knows
    assert stopped.wait(5)


def test_wrong_token_is_refused(server: ControlServer, stopped: threading.Event) -> None:
    # GIVEN somebody without the token
    control = Control(instance(control_url=server.url, token="guessed"))

    # WHEN they ask for anything
    # THEN nothing happens
    with pytest.raises(LocalError, match="token"):
        control.stop()
    with pytest.raises(LocalError, match="token"):
        control.faults()
    assert not stopped.is_set()


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Authorization": "Bearer \xe9\xff"}, 401),
        ({"Authorization": ""}, 401),
        ({}, 401),
        ({"Authorization": "Bearer secret", "Content-Length": "x"}, 400),
        ({"Authorization": "Bearer secret", "Content-Length": "-1"}, 400),
        ({"Authorization": "Bearer secret", "Content-Length": "²"}, 400),
        ({"Authorization": "Bearer secret", "Content-Length": "1" * 5000}, 400),
        ({"Authorization": "Bearer secret", "Content-Length": "70000"}, 413),
        ({"Authorization": "Bearer wrong", "Content-Length": "x"}, 401),
    ],
)
def test_malformed_headers_get_an_answer(
    server: ControlServer, capsys: pytest.CaptureFixture[str], headers: dict[str, str], status: int
) -> None:
    # GIVEN somebody who sends headers that are none
    with socket.create_connection(("127.0.0.1", urlsplit(server.url).port or 0), timeout=5) as connection:
        lines = ["POST /faults HTTP/1.1", "Host: x", *(f"{name}: {value}" for name, value in headers.items()), "", ""]

        # WHEN
        connection.sendall("\r\n".join(lines).encode("latin-1"))
        answer = b"".join(iter(lambda: connection.recv(65_536), b""))

    # THEN they get an answer, and no traceback is written
    assert answer.startswith(f"HTTP/1.1 {status} ".encode())
    assert b'"error"' in answer
    assert capsys.readouterr().err == ""


def test_supervisor_that_is_gone_is_said() -> None:
    # GIVEN an address where nobody listens
    control = Control(instance(control_url="http://127.0.0.1:9"))

    # WHEN it is asked
    # THEN the message says so
    with pytest.raises(LocalError, match="does not answer"):
        control.faults()
