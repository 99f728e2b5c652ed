"""Switches that replace queues, in the engine: refused while these are protected, and safe by the documented steps."""

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
    """A small stack with protected queues and gradual deploys, deployed."""
    account = MemoryAccount()
    workspace = new_stack("kept", account, CONFIG)
    done = workspace.up()
    assert done.code == 0, done.output
    return workspace, account


def up(workspace: Workspace, **options: str) -> Finished:
    """`pulumi config set` of each, and `pulumi up`."""
    for key, value in options.items():
        workspace.checked("config", "set", "--stack", "kept", "--path", f"orders:{key}", value)
    return workspace.up()


@pytest.mark.parametrize("switch", [*SWITCHES.values(), RENAMED], ids=[*SWITCHES, "a subscription"])
def test_a_switch_is_refused_while_the_queues_are_protected(kept: Deployed, switch: dict[str, str]) -> None:
    # GIVEN
    workspace, account = kept
    before = {key: value for key, value in account.resources.items() if key[0] == QUEUE}

    # WHEN
    done = up(workspace, **switch)

    # THEN all queues are there as before, messages and all
    assert done.code != 0
    assert "protect" in done.output
    assert before.items() <= account.resources.items()


def test_the_protection_stays_as_long_as_traffic_is_shifted(kept: Deployed) -> None:
    # GIVEN
    workspace, account = kept
    before = dict(account.resources)

    # WHEN
    done = up(workspace, protect="false")

    # THEN nothing is touched, and what to change is said, in a pull request's comment too
    assert done.code != 0
    assert "gradual_deploy: none" in Preview.read("kept", done.code, "", done.events).comment()
    assert "gradual_deploy: none" in done.output
    assert account.resources == before


@pytest.mark.parametrize("switch", SWITCHES.values(), ids=SWITCHES)
def test_by_the_documented_steps_callers_know_the_new_queues_before_the_old_go(
    kept: Deployed, switch: dict[str, str]
) -> None:
    # GIVEN steps 3 and 4 of docs/ordering.md
    workspace, account = kept
    old = {value["name"] for key, value in account.resources.items() if key[0] == QUEUE}
    lifted = up(workspace, protect="false", gradual_deploy="none")
    assert lifted.code == 0, lifted.output

    # WHEN
    done = up(workspace, **switch)

    # THEN the aliases move to the versions that are told the new names, and only then anything is deleted
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
    # AND a pull request's comment would begin with the queues that go
    comment = Preview.read("kept", done.code, done.output, done.events).comment()
    assert "CAUTION" in comment
    assert comment.index("(aws:sqs/queue:Queue)") < comment.index("<details>")
    assert not old <= {value["name"] for key, value in account.resources.items() if key[0] == QUEUE}

    # WHEN the fifth step puts protection and gradual deploys back
    again = up(workspace, protect="true", gradual_deploy="Canary10Percent5Minutes")

    # THEN
    assert again.code == 0, again.output
    assert workspace.up().changes == {}
