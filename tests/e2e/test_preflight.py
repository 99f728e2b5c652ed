"""`ops preflight` against the embedded AWS, by the path that leads to AWS."""

import json
from typing import Any

import pytest

from local.client import LocalStack
from ops.cli.main import main
from ops.errors import ExitCode
from ops.preflight.checks import ask
from ops.preflight.finding import Verdict
from ops.preflight.ground import Ground, ground
from ops.preflight.state import BACKEND_VARIABLE
from ops.target import Choice

pytestmark = pytest.mark.e2e

BUCKET = "pulumi-state"


class NotDeployed(Ground):
    """As before the first deployment: Pulumi knows the stack, and its state is empty."""

    def ids(self) -> frozenset[str]:
        return frozenset()


def preflight(stack: LocalStack, capsys: pytest.CaptureFixture[str]) -> tuple[int, dict[str, dict[str, Any]]]:
    capsys.readouterr()
    code = main(["preflight", "--local", "--state-dir", str(stack.state.path), "--json"])
    document = json.loads(capsys.readouterr().out)
    return code, {each["check"]: each for each in document["findings"]}


@pytest.fixture
def state(stack: LocalStack, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A bucket with Pulumi's state of the local stack."""
    s3 = stack.aws.session.client("s3", endpoint_url=stack.outputs.endpoint_url)
    s3.create_bucket(Bucket=BUCKET)
    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    s3.put_object(Bucket=BUCKET, Key="team/.pulumi/stacks/orders/local.json", Body=b"{}")
    monkeypatch.setenv(BACKEND_VARIABLE, f"s3://{BUCKET}/team?region={stack.outputs.region}")
    return s3


def test_a_deployed_stack_has_nothing_in_its_way_until_a_lock_is_left_behind(
    stack: LocalStack, state: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN the stack, with its state in a bucket
    # WHEN it is looked at, and again after a run that died with its lock
    before, found = preflight(stack, capsys)
    lock = {"pid": 7, "username": "runner", "hostname": "ci", "timestamp": "2026-01-02T03:04:05Z"}
    key = "team/.pulumi/locks/organization/orders/local/1.json"
    state.put_object(Bucket=BUCKET, Key=key, Body=json.dumps(lock).encode())
    after, locked = preflight(stack, capsys)
    state.delete_object(Bucket=BUCKET, Key=key)

    # THEN nobody on the pager is a warning, the lock is an error, and all could be read
    assert (before, after) == (ExitCode.OK, ExitCode.REFUSED)
    assert {each["verdict"] for each in found.values()} == {"ok", "warning"}
    assert found["pages"]["verdict"] == "warning"
    assert locked["lock of the state"]["found"].startswith("held by runner@ci (process 7)")


def test_without_its_state_not_all_can_be_read(
    stack: LocalStack, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN nothing that says where Pulumi keeps its state
    monkeypatch.delenv(BACKEND_VARIABLE, raising=False)
    monkeypatch.setenv("PATH", "")

    # WHEN
    code, found = preflight(stack, capsys)

    # THEN it is said, and the exit code says so too
    assert code == ExitCode.INCOMPLETE
    assert found["Pulumi's state"]["verdict"] == "unknown"


def test_what_is_there_is_in_the_way_of_a_first_deployment(stack: LocalStack) -> None:
    # GIVEN a stack of that name that Pulumi does not know to be deployed
    deployed = ground(Choice(local=True, state_dir=stack.state.path))
    gradual = deployed.config.model_copy(update={"gradual_deploy": "AllAtOnce"})
    known = NotDeployed(**(vars(deployed) | {"outputs": {}, "config": gradual}))

    # WHEN
    found = {each.check: each for each in ask(known)}

    # THEN all that it meets is named, service by service
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

    # THEN what the embedded AWS lacks is no good news
    assert found["CodeDeploy applications"].verdict is Verdict.UNKNOWN
