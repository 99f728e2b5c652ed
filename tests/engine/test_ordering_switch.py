"""Tests options that replace queues: protected queues are not replaced, and the documented steps are safe."""

import pytest

from lab.preview.memory_account import MemoryAccount
from local.engine.workspace import Finished, Workspace
from ops.preview import Preview
from tests.engine.conftest import Deployed, NewStack

pytestmark = pytest.mark.engine

QUEUE = "aws:sqs/queue:Queue"
CONFIG = {
    "environment": "development",
    "deletion_protection": "false",
    "protect": "true",
    "alarms": "false",
    "gradual_deploy": "Canary10Percent5Minutes",
    "subscriptions": '["{name: own, protocol: sqs}"]',
}
SWITCHES = {
    "strict ordering": {"strict_ordering": "true", "batch_size": "1"},
    "bus": {"events_target": "bus"},
}
RENAMED = {"subscriptions[0]": "{name: other, protocol: sqs}"}


@pytest.fixture
def kept(new_stack: NewStack) -> Deployed:
    """Deploy a small stack with protected queues and gradual deployments."""
    account = MemoryAccount()
    workspace = new_stack("kept", account, CONFIG)
    done = workspace.up()
    assert done.code == 0, done.output
    return workspace, account


def up(workspace: Workspace, **options: str) -> Finished:
    """Set each option with `pulumi config set`, and run `pulumi up`."""
    for key, value in options.items():
        workspace.checked("config", "set", "--stack", "kept", "--path", f"orders:{key}", value)
    return workspace.up()


@pytest.mark.parametrize("switch", [*SWITCHES.values(), RENAMED], ids=[*SWITCHES, "a subscription"])
def test_a_change_is_refused_while_the_queues_are_protected(kept: Deployed, switch: dict[str, str]) -> None:
    # GIVEN
    workspace, account = kept
    before = {key: value for key, value in account.resources.items() if key[0] == QUEUE}

    # WHEN
    done = up(workspace, **switch)

    # THEN every queue still exists, unchanged
    assert done.code != 0
    assert "protect" in done.output
    assert before.items() <= account.resources.items()


def test_the_protection_cannot_be_removed_while_deployments_are_gradual(kept: Deployed) -> None:
    # GIVEN
    workspace, account = kept
    before = dict(account.resources)

    # WHEN
    done = up(workspace, protect="false")

    # THEN nothing is changed. The output and the pull request's comment name the option that must change first.
    assert done.code != 0
    assert "gradual_deploy: none" in Preview.read("kept", done.code, "", done.events).comment()
    assert "gradual_deploy: none" in done.output
    assert account.resources == before


@pytest.mark.parametrize("switch", SWITCHES.values(), ids=SWITCHES)
def test_the_documented_steps_delete_old_queues_only_after_the_aliases_moved(
    kept: Deployed, switch: dict[str, str]
) -> None:
    # GIVEN a stack after step 3 of docs/ordering.md
    workspace, account = kept
    old = {value["name"] for key, value in account.resources.items() if key[0] == QUEUE}
    lifted = up(workspace, protect="false", gradual_deploy="none")
    assert lifted.code == 0, lifted.output

    # WHEN step 4 sets the options that replace queues
    done = up(workspace, **switch)

    # THEN the old queues are deleted only after every alias points at a version with the new names
    assert done.code == 0, done.output
    steps = [
        (event["resourcePreEvent"]["metadata"]["op"], event["resourcePreEvent"]["metadata"]["urn"])
        for event in done.events
        if "resourcePreEvent" in event
    ]
    moved = [index for index, (op, urn) in enumerate(steps) if op == "update" and urn.endswith("-live")]
    deleted = [index for index, (op, urn) in enumerate(steps) if "delete" in op and QUEUE in urn]
    assert moved
    assert deleted
    assert max(moved) < min(deleted)
    # AND a pull request's comment begins with the queues that are deleted
    comment = Preview.read("kept", done.code, done.output, done.events).comment()
    assert "CAUTION" in comment
    assert comment.index("(aws:sqs/queue:Queue)") < comment.index("<details>")
    assert not old <= {value["name"] for key, value in account.resources.items() if key[0] == QUEUE}

    # WHEN step 5 restores protection and gradual deployments
    again = up(workspace, protect="true", gradual_deploy="Canary10Percent5Minutes")

    # THEN
    assert again.code == 0, again.output
    assert workspace.up().changes == {}
