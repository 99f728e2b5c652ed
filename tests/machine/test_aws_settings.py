"""Tests wrong AWS settings: code that does not need the settings ignores them, and other code reports the error."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from botocore.configprovider import BOTOCORE_DEFAUT_SESSION_VARIABLES

from local.instance import ROOT
from ops.cli.main import main
from ops.gateway.session import isolated_session
from tests.machine.settings import broken_aws_settings

# This script imports every module of the five packages that it names, except `__main__`. It fails if a module makes a
# client or reads the machine's settings when it is imported.
IMPORTS = """
import importlib, pkgutil
import botocore.configloader, botocore.session
def no(*_, **__): raise AssertionError("a client is made, or the machine's AWS settings are read")
botocore.session.Session.create_client = botocore.configloader.load_config = no
botocore.session.Session.get_scoped_config = no
for top in ("components", "pipeline", "runtime", "ops", "local"):
    package = importlib.import_module(top)
    for module in pkgutil.walk_packages(package.__path__, top + "."):
        if not module.name.endswith(".__main__"):
            importlib.import_module(module.name)
"""
STACK = {
    "orders_queue_url": "https://sqs.eu-west-1.amazonaws.com/123456789012/orders-prod-orders",
    "dead_letter_queue_url": "https://sqs.eu-west-1.amazonaws.com/123456789012/orders-prod-dlq",
    "notifications_topic_arn": "arn:aws:sns:eu-west-1:123456789012:orders-prod",
    **dict.fromkeys(("orders_table", "stock_table", "worker_idempotency_table", "api_idempotency_table"), "a-table"),
    **{f"{name}_order_function": f"orders-prod-{name}-order" for name in ("create", "get", "process")},
}


def run(*command: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return subprocess.run(
        [sys.executable, *command], cwd=ROOT, env={**kept, **environment}, capture_output=True, text=True, check=False
    )


@pytest.fixture(
    params=["unknown profile", "broken configuration", "broken credentials", "not a number", "unknown choice"]
)
def broken(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, str]:
    return broken_aws_settings(tmp_path)[request.param]


def test_importing_makes_no_client_and_reads_no_settings() -> None:
    # GIVEN an SDK that cannot make a client or read settings / WHEN every module is imported / THEN no import fails
    done = run("-c", IMPORTS)
    assert done.returncode == 0, done.stderr


@pytest.fixture
def everything(tmp_path: Path) -> dict[str, str]:
    """Return all broken settings together."""
    return {name: value for each in broken_aws_settings(tmp_path).values() for name, value in each.items()}


@pytest.mark.parametrize("program", ["ops", "local"])
def test_help_works_with_broken_aws_settings(program: str, everything: dict[str, str]) -> None:
    # GIVEN / WHEN / THEN
    done = run("-m", program, "--help", **everything)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_command_on_a_stack_reports_broken_aws_settings(
    tmp_path: Path, broken: dict[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN a file with the outputs of a stack on AWS, and broken AWS settings
    outputs = tmp_path / "prod.json"
    outputs.write_text(json.dumps(STACK))
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in broken.items():
        monkeypatch.setenv(name, value)
    # WHEN
    code = main(["status", "--outputs", str(outputs)])
    # THEN the exit code is 4 (no access), and the message names AWS_PROFILE
    assert code == 4
    assert "AWS_PROFILE" in capsys.readouterr().err


def test_a_client_for_the_embedded_aws_ignores_the_sdk_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN every environment variable of the SDK, with an invalid value
    for _, variables, _, _ in BOTOCORE_DEFAUT_SESSION_VARIABLES.values():
        for name in [variables] if isinstance(variables, str) else variables or ():
            monkeypatch.setenv(name, "x")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "gibberish")
    # WHEN the session for the embedded AWS makes a client with an endpoint and a client without an endpoint
    session = isolated_session("key", "secret", "eu-west-1")
    clients = [session.client("sqs", endpoint_url="http://127.0.0.1:1"), session.client("sqs")]
    # THEN both have the given Region, the first has the given endpoint, and the second has the Region's endpoint
    assert {client.meta.region_name for client in clients} == {"eu-west-1"}
    endpoints = [client.meta.endpoint_url for client in clients]
    assert endpoints == ["http://127.0.0.1:1", "https://sqs.eu-west-1.amazonaws.com"]


def test_unit_tests_ignore_broken_aws_settings(everything: dict[str, str]) -> None:
    # GIVEN / WHEN one file of unit tests is run / THEN its tests pass
    done = run("-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/unit/api/test_counting.py", **everything)
    assert done.returncode == 0, done.stdout
