"""Tests which resources `pulumi up` changes. The AWS account is simulated in memory."""

import pytest

from lab.preview.memory_account import MemoryAccount
from lab.preview.programs import replace_text
from pipeline.functions import FUNCTIONS
from tests.engine.conftest import Deployed, NewStack

pytestmark = pytest.mark.engine

NAMES = tuple(each.name for each in FUNCTIONS)


@pytest.mark.parametrize("stack", ["dev", "prod", "local"])
def test_a_second_up_changes_nothing(stack: str, new_stack: NewStack) -> None:
    # GIVEN a deployed stack
    workspace = new_stack(stack, MemoryAccount())
    first = workspace.up()
    assert first.code == 0, first.output
    # WHEN it is deployed again
    again = workspace.up()
    # THEN no resource changes
    assert again.code == 0, again.output
    assert again.changes == {}


def test_a_code_change_updates_the_functions_and_their_aliases(dev: Deployed) -> None:
    # GIVEN a deployed stack, and a change of the functions' code
    workspace, account = dev
    source = workspace.program / "runtime" / "handlers" / "get_order.py"
    source.write_text(f"{source.read_text()}\n# A comment changes the file.\n")
    # WHEN it is deployed
    done = workspace.up()
    # THEN the functions and their aliases are updated in place, and no other resource changes
    assert done.code == 0, done.output
    expected = [*(f"{name}-function" for name in NAMES), *(f"{name}-live" for name in NAMES)]
    assert done.aws_changes == dict.fromkeys(sorted(expected), "update")
    # AND each alias points at the new version
    aliases = [state for (token, _), state in account.resources.items() if token == "aws:lambda/alias:Alias"]
    assert {alias["functionVersion"] for alias in aliases} == {"2"}


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("throttle_rate", "33", {"api-stage"}),
        ("batch_size", "5", {"orders-consumer-mapping"}),
        (
            "log_retention_days",
            "14",
            {"api-access-logs", *(f"{name}-logs" for name in NAMES)},
        ),
    ],
)
def test_a_changed_option_updates_only_its_resources(key: str, value: str, expected: set[str], dev: Deployed) -> None:
    # GIVEN a deployed stack, and another value of an option
    workspace, _ = dev
    workspace.checked("config", "set", "--stack", "dev", key, value)
    # WHEN it is deployed
    done = workspace.up()
    # THEN only the option's resources are updated, in place
    assert done.code == 0, done.output
    assert done.aws_changes == dict.fromkeys(sorted(expected), "update")


def test_a_preview_shows_the_changes_that_up_makes(dev: Deployed) -> None:
    # GIVEN a deployed stack, and a change whose effects are partly unknown before the deployment
    workspace, _ = dev
    functions = workspace.program / "pipeline" / "functions.py"
    replace_text(functions, "answers with the order's status", "returns the order's status")
    # WHEN it is previewed, and then deployed
    previewed, done = workspace.preview(), workspace.up()
    # THEN both show the same changes
    assert previewed.aws_changes == {"get-order-function": "update", "get-order-live": "update"}
    assert done.aws_changes == previewed.aws_changes
