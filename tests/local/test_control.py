"""Tests the requests that commands send to a running supervisor. Each request needs a key: the part
after `#key=` in the address of the supervisor's web page."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.control import Control
from local.errors import LocalError
from local.instance import StateDir
from local.page.server import PageServer
from local.proxy.faults import Faults
from tests.local.factories import rule
from tests.local.test_instance import instance


@pytest.fixture
def stopped() -> threading.Event:
    return threading.Event()


@pytest.fixture
def server(tmp_path: Path, stopped: threading.Event) -> Iterator[PageServer]:
    server = PageServer(StateDir(tmp_path), Faults(), stopped.set)
    server.start()
    yield server
    server.stop()


def test_rules_are_added_listed_and_cleared(server: PageServer) -> None:
    # GIVEN a supervisor
    control = Control(instance(page_url=server.url))

    # WHEN a rule is added
    added = control.add_fault(rule(count=2))

    # THEN the rule is listed until it is removed or all rules are cleared
    assert control.faults() == [added]
    assert (control.remove_fault(added.id), control.remove_fault(added.id)) == (True, False)
    control.add_fault(rule())
    assert control.clear_faults() == 1
    assert control.faults() == []


def test_a_request_to_stop_reaches_the_supervisor(server: PageServer, stopped: threading.Event) -> None:
    # GIVEN a supervisor
    # WHEN a request to stop is sent
    Control(instance(page_url=server.url)).stop()

    # THEN the supervisor receives it
    assert stopped.wait(5)


def test_wrong_key_is_refused(server: PageServer, stopped: threading.Event) -> None:
    # GIVEN somebody without the key
    control = Control(instance(page_url=f"{server.address}/#key=guessed"))

    # WHEN they send requests
    # THEN each is refused and has no effect
    with pytest.raises(LocalError, match="refuses: The page's key is missing or wrong"):
        control.stop()
    with pytest.raises(LocalError, match="refuses: The page's key is missing or wrong"):
        control.faults()
    assert not stopped.is_set()


def test_a_supervisor_that_does_not_answer_is_reported() -> None:
    # GIVEN an address where no process listens
    control = Control(instance(page_url="http://127.0.0.1:9/#key=k"))

    # WHEN a request is sent
    # THEN the error reports that the supervisor does not answer
    with pytest.raises(LocalError, match="does not answer"):
        control.faults()
