"""Tests that requests to loopback never use the machine's proxy."""

from pathlib import Path

import pytest

from local.cli.hints import proxy_exception
from local.engine.workspace import Workspace
from ops.gateway.http import send
from ops.gateway.session import isolated_session
from tests.local.signing import KEYS
from tests.local.upstream import proxied
from tests.machine.settings import PROXIES


@pytest.fixture
def behind_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set variables that send all requests to a closed port."""
    for name, value in PROXIES.items():
        monkeypatch.setenv(name, value)


@pytest.mark.usefixtures("behind_a_proxy")
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_the_sdk_calls_loopback_without_a_proxy(host: str) -> None:
    # GIVEN a stand-in for the embedded AWS / WHEN a client of `isolated_session` calls it / THEN it receives the call
    with proxied() as (upstream, gate):
        session = isolated_session(KEYS.access_key_id, KEYS.secret_access_key, "us-east-1")
        client = session.client("s3", endpoint_url=f"http://{host}:{gate.port}")
        client.get_object(Bucket="b", Key="k")
    assert [path for _, path, *_ in upstream.seen] == ["/b/k"]


@pytest.mark.usefixtures("behind_a_proxy")
def test_clients_of_the_api_call_loopback_without_a_proxy() -> None:
    # GIVEN / WHEN / THEN
    with proxied() as (upstream, gate):
        assert send("GET", f"{gate.url}/_aws/execute-api/a/orders", {}).status == 200
    assert len(upstream.seen) == 1


@pytest.mark.parametrize(
    ("variables", "lines"),
    [
        ({}, []),
        ({"HTTP_PROXY": "http://p"}, ["export NO_PROXY=127.0.0.1 no_proxy=127.0.0.1"]),
        (
            {"all_proxy": "http://p", "NO_PROXY": "in"},
            ["export NO_PROXY=in,127.0.0.1 no_proxy=in,127.0.0.1"],
        ),
        ({"HTTP_PROXY": "http://p", "NO_PROXY": "127.0.0.1"}, []),
        ({"HTTP_PROXY": "http://p", "no_proxy": "*"}, []),
    ],
)
def test_the_local_command_prints_a_shell_line_that_excludes_loopback_from_the_proxy(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], lines: list[str]
) -> None:
    # GIVEN a terminal with these variables
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    # WHEN / THEN the line is printed only if the variables name a proxy and do not exclude loopback already
    assert proxy_exception() == lines


@pytest.mark.usefixtures("behind_a_proxy")
def test_the_engine_and_the_program_use_no_proxy_for_loopback(tmp_path: Path) -> None:
    # GIVEN / WHEN the environment of the engine's commands is made
    environment = Workspace(tmp_path, tmp_path, tmp_path, 1, "local").environment
    # THEN it keeps the proxy, which may be needed to reach the package index, and excludes loopback from it
    assert environment["HTTP_PROXY"] == PROXIES["HTTP_PROXY"]
    assert environment["no_proxy"] == environment["NO_PROXY"] == "127.0.0.1,localhost"
