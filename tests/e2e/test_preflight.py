"""Tests `ops preflight` on the embedded AWS, with the same steps as on AWS."""

import json
from typing import Any

import pytest

from local.client import LocalStack
from ops.cli.main import main
from ops.errors import ExitCode
from ops.preflight.checks import run_checks
from ops.preflight.finding import Verdict
from ops.preflight.stack_facts import StackFacts, collect_facts
from ops.preflight.state import BACKEND_VARIABLE
from ops.target import Choice

pytestmark = pytest.mark.e2e

BUCKET = "pulumi-state"


class NotDeployed(StackFacts):
    """A stack before its first deployment: it exists in Pulumi, and its state is empty."""

    def ids(self) -> frozenset[str]:
        return frozenset()


def preflight(stack: LocalStack, capsys: pytest.CaptureFixture[str]) -> tuple[int, dict[str, dict[str, Any]]]:
    capsys.readouterr()
    code = main(["preflight", "--local", "--state-dir", str(stack.state.path), "--json"])
    document = json.loads(capsys.readouterr().out)
    return code, {each["check"]: each for each in document["findings"]}


@pytest.fixture
def state(stack: LocalStack, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Create a bucket with Pulumi's state of the local stack, and return a client of S3."""
    s3 = stack.aws.session.client("s3", endpoint_url=stack.outputs.endpoint_url)
    s3.create_bucket(Bucket=BUCKET)
    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    s3.put_object(Bucket=BUCKET, Key="team/.pulumi/stacks/orders/local.json", Body=b"{}")
    monkeypatch.setenv(BACKEND_VARIABLE, f"s3://{BUCKET}/team?region={stack.outputs.region}")
    return s3


def test_a_deployed_stack_passes_until_a_lock_is_left_in_its_state(
    stack: LocalStack, state: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN the stack, with its state in a bucket
    # WHEN preflight runs twice. Before the second run, a killed deployment leaves its lock in the state
    before, found = preflight(stack, capsys)
    lock = {"pid": 7, "username": "runner", "hostname": "ci", "timestamp": "2026-01-02T03:04:05Z"}
    key = "team/.pulumi/locks/organization/orders/local/1.json"
    state.put_object(Bucket=BUCKET, Key=key, Body=json.dumps(lock).encode())
    after, locked = preflight(stack, capsys)
    state.delete_object(Bucket=BUCKET, Key=key)

    # THEN the first run can read everything, and warns that nobody is subscribed to pages (urgent
    # alarms). The second run reports the lock as an error.
    assert (before, after) == (ExitCode.OK, ExitCode.REFUSED)
    assert {each["verdict"] for each in found.values()} == {"ok", "warning"}
    assert found["pages"]["verdict"] == "warning"
    assert locked["lock of the state"]["found"].startswith("held by runner@ci (process 7)")


def test_an_unknown_state_is_reported(
    stack: LocalStack, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN that nothing names the place of Pulumi's state: the variable is not set, and there is no `pulumi` command
    monkeypatch.delenv(BACKEND_VARIABLE, raising=False)
    monkeypatch.setenv("PATH", "")

    # WHEN
    code, found = preflight(stack, capsys)

    # THEN the state is unknown, and the exit code shows that not everything was read
    assert code == ExitCode.INCOMPLETE
    assert found["Pulumi's state"]["verdict"] == "unknown"


def test_existing_resources_block_a_first_deployment(stack: LocalStack) -> None:
    # GIVEN resources with the stack's names, and a stack that Pulumi has never deployed
    deployed = collect_facts(Choice(local=True, state_dir=stack.state.path))
    gradual = deployed.config.model_copy(update={"gradual_deploy": "AllAtOnce"})
    known = NotDeployed(**(vars(deployed) | {"outputs": {}, "config": gradual}))

    # WHEN
    found = {each.check: each for each in run_checks(known)}

    # THEN the existing resources of each service are named
    for check, name in (
        ("roles", "orders-local-create-order"),
        ("functions", "orders-local-get-order"),
        ("tables", "orders-local-orders"),
        ("queues", "orders-local-notifications-everything-dlq"),
        ("topics", "orders-local-alarms-page"),
        ("log groups", "/aws/lambda/orders-local-create-order"),
        ("alarms", "orders-local-"),
    ):
        assert found[check].verdict is Verdict.ERROR
        assert name in found[check].found

    # AND a service that the embedded AWS lacks is unknown, not OK
    assert found["CodeDeploy applications"].verdict is Verdict.UNKNOWN
