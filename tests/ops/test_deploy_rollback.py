"""Tests `ops deploy rollback` with a fake Lambda: the version that callers use afterwards, refusals and records."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.ops.deploying import FUNCTIONS, KEYS, DeployTarget, FakeLambda, FakeVersion, ago, code_of, shifted_twice
from tests.ops.test_target import outputs

HOUR = timedelta(hours=1)
API = FUNCTIONS[:2]


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> DeployTarget:
    return shifted_twice(monkeypatch, tmp_path)


def live(world: DeployTarget) -> list[int]:
    return [each.live for each in world.lambda_.functions.values()]


def move(world: DeployTarget) -> None:
    """Move callers to the newest versions, as a finished deployment does."""
    for each in world.lambda_.functions.values():
        each.live = max(each.versions)


def test_a_rollback_moves_callers_to_the_version_that_they_had_before(world: DeployTarget) -> None:
    # GIVEN / WHEN
    code = world.run("rollback", "--yes")

    # THEN the callers of every function are moved, beginning with the API's functions
    assert code == 0
    assert world.lambda_.moved == [(function, "9") for function in FUNCTIONS]


def test_a_dry_run_shows_the_moves_and_changes_nothing(world: DeployTarget, capsys: pytest.CaptureFixture[str]) -> None:
    # GIVEN
    for each in world.lambda_.versions(9):
        each.environment["LOG_LEVEL"] = "DEBUG"

    # WHEN
    code = world.run("rollback", "--json")

    # THEN
    output = json.loads(capsys.readouterr().out)
    assert code == 0
    assert output["dry_run"] is True
    assert [(each["key"], each["from"], each["to"]) for each in output["functions"]] == [(key, 10, 9) for key in KEYS]
    assert output["functions"][0]["changed_variables"] == ["LOG_LEVEL"]
    assert world.lambda_.calls == []


def test_a_rollback_undoes_a_shift(world: DeployTarget) -> None:
    # GIVEN callers who were shifted from version 7 to 10
    world.lambda_ = FakeLambda(live=7)
    assert world.run("shift", "--yes") == 0
    move(world)

    # WHEN
    code = world.run("rollback", "--yes")

    # THEN they are back on 7, not on a version that they never used
    assert code == 0
    assert live(world) == [7, 7, 7]


def test_a_second_rollback_goes_back_one_more_release(world: DeployTarget) -> None:
    # GIVEN
    world.run("rollback", "--yes")

    # WHEN
    code = world.run("rollback", "--yes")

    # THEN
    assert code == 0
    assert live(world) == [8, 8, 8]


def release(world: DeployTarget, number: int) -> None:
    """Publish a version of every function, and move callers to it."""
    for function in world.lambda_.functions.values():
        function.versions[number] = FakeVersion(code_of(number))
    assert world.run("shift", "--yes") == 0
    move(world)


def test_a_rollback_skips_versions_that_were_rolled_back(world: DeployTarget) -> None:
    # GIVEN callers who went from 10 to 11, back to 10 and back to 9, and then to the bad version 12
    release(world, 11)
    assert world.run("rollback", "--yes") == world.run("rollback", "--yes") == 0
    release(world, 12)

    # WHEN two rollbacks follow
    first, second = ((world.run("rollback", "--yes"), live(world)) for _ in range(2))

    # THEN
    assert first == (0, [9, 9, 9])
    assert second == (0, [8, 8, 8])


def test_a_rollback_moves_only_the_functions_that_the_latest_shift_moved(world: DeployTarget) -> None:
    # GIVEN a release of all functions, and a later shift of one function's callers
    function = world.lambda_.functions[FUNCTIONS[1]]
    function.versions[11] = FakeVersion(code_of(10))
    function.live = 11
    function.tags["LiveBefore"] = f"10@{ago(HOUR / 2)} {function.tags['LiveBefore']}"

    # WHEN
    world.run("rollback", "--yes")

    # THEN
    assert world.lambda_.moved == [(FUNCTIONS[1], "10")]


@pytest.mark.parametrize("done", range(6))
def test_a_killed_rollback_is_continued_by_the_same_command(world: DeployTarget, done: int) -> None:
    # GIVEN a rollback that was killed after `done` changes
    world.lambda_.killed_after = done
    assert world.run("rollback", "--yes") == 130
    world.lambda_.killed_after = None

    # WHEN the same command is run again
    code = world.run("rollback", "--yes")

    # THEN every function went back by one release only, and every rollback is recorded
    assert code == 0
    assert live(world) == [9, 9, 9]
    assert all(code_of(10) in tag for tag in world.lambda_.tag("RolledBack"))


def test_a_shift_to_code_that_was_rolled_back_needs_the_again_option(
    world: DeployTarget, capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN the worker was rolled back from version 7. Long after that, all functions were rolled back from version 10.
    # Now the worker has a version 11 with the same code as version 10
    world.run("rollback", "--yes")
    function = world.lambda_.functions[FUNCTIONS[2]]
    function.versions[11] = FakeVersion(code_of(10))
    older = f"7@2026-01-01T00:00:00Z={code_of(7)}"
    function.tags["RolledBack"] += f" {older}"

    # WHEN
    refused = world.run("shift", "--yes")
    output = capsys.readouterr().err
    started = len(world.codedeploy.made)
    again = world.run("shift", "--again", "--yes")

    # THEN
    assert (refused, started) == (5, 0)
    assert "--again" in output
    assert (again, len(world.codedeploy.made)) == (0, 3)
    # Callers use this code again, so the record of its rollback is deleted. The record of the older rollback stays.
    assert world.lambda_.tag("RolledBack") == ["", "", older]


def test_callers_can_be_shifted_to_new_code_after_a_rollback(world: DeployTarget) -> None:
    # GIVEN
    world.run("rollback", "--yes")
    for function in world.lambda_.functions.values():
        function.versions[11] = FakeVersion(code_of(11))

    # WHEN
    code = world.run("shift", "--yes")

    # THEN
    assert code == 0
    assert len(world.codedeploy.made) == 3
    # The rollback of the bad code is still recorded.
    assert all(code_of(10) in tag for tag in world.lambda_.tag("RolledBack"))


def test_a_failed_shift_with_the_again_option_keeps_the_record_of_the_rollback(world: DeployTarget) -> None:
    # GIVEN
    world.run("rollback", "--yes")
    world.codedeploy._bad = [FUNCTIONS[0]]

    # WHEN
    code = world.run("shift", "--again", "--yes")

    # THEN
    assert code == 1
    assert all(code_of(10) in tag for tag in world.lambda_.tag("RolledBack"))


def test_functions_and_versions_can_be_chosen(world: DeployTarget) -> None:
    # GIVEN / WHEN
    code = world.run("rollback", "--to", "create_order=6", "--to", "get_order=7", "--yes")

    # THEN
    assert code == 0
    assert world.lambda_.moved == [(FUNCTIONS[0], "6"), (FUNCTIONS[1], "7")]


@pytest.mark.parametrize("to", ["create_order", "create_order=", "create-order=4", "4", "get_order=-1", "get_order=²"])
def test_an_invalid_choice_is_wrong_usage(world: DeployTarget, to: str, capsys: pytest.CaptureFixture[str]) -> None:
    # GIVEN / WHEN
    code = world.run("rollback", "--to", to, "--yes")

    # THEN
    assert code == 2
    assert "create_order, get_order, process_order" in capsys.readouterr().err


def test_an_inactive_version_is_made_ready_before_callers_are_moved(world: DeployTarget) -> None:
    # GIVEN versions that nobody called for weeks, so that Lambda has deleted their snapshots
    for each in world.lambda_.versions(9):
        each.state = "Inactive"

    # WHEN
    code = world.run("rollback", "--yes")

    # THEN
    assert code == 0
    assert [call for call, _, _ in world.lambda_.calls] == ["invoke"] * 3 + ["tag", "move"] * 3
    assert world.lambda_.waited == [(function, "9") for function in FUNCTIONS]


def never_shifted(world: DeployTarget) -> None:
    for each in world.lambda_.functions.values():
        each.tags.clear()


def unreadable_tags(world: DeployTarget) -> None:
    for each in world.lambda_.functions.values():
        each.tags["LiveBefore"] = "nine@yesterday 9@2026-13-45T99:00:00Z"


def deleted(world: DeployTarget) -> None:
    del world.lambda_.functions[FUNCTIONS[0]].versions[9]


def failed(world: DeployTarget) -> None:
    world.lambda_.functions[FUNCTIONS[1]].versions[9].state = "Failed"


def pending_without_a_reason(world: DeployTarget) -> None:
    world.lambda_.functions[FUNCTIONS[1]].versions[9].state = "Pending"


def shifting(world: DeployTarget) -> None:
    for each in world.lambda_.functions.values():
        each.weights = {"9": 0.5}


def pulumi_moves_callers(world: DeployTarget) -> None:
    world.outputs = outputs()


def another_queue(world: DeployTarget) -> None:
    world.lambda_.functions[FUNCTIONS[2]].versions[9].environment["ORDERS_QUEUE_URL"] = "https://sqs/old.fifo"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (never_shifted, "no earlier version is recorded, or all recorded ones were rolled back"),
        (unreadable_tags, "no earlier version is recorded, or all recorded ones were rolled back"),
        (deleted, "has no version 9"),
        (failed, "is Failed (its start failed)"),
        (pending_without_a_reason, "is Pending (Lambda gives no reason)"),
        (shifting, "being shifted right now"),
        (pulumi_moves_callers, "deploy the older release"),
        (another_queue, "https://sqs/old.fifo (ORDERS_QUEUE_URL), which the stack no longer has"),
    ],
    ids=lambda case: getattr(case, "__name__", ""),
)
def test_a_rollback_that_cannot_succeed_is_refused(
    world: DeployTarget, make: Any, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN
    make(world)

    # WHEN
    code = world.run("rollback", "--yes")

    # THEN
    assert code == 5
    assert message in " ".join(capsys.readouterr().err.split())
    assert world.lambda_.calls == []


@pytest.mark.parametrize("bus", [False, True], ids=["topic", "bus"])
def test_a_rollback_is_accepted_if_the_version_uses_the_stacks_resources(world: DeployTarget, bus: bool) -> None:
    # GIVEN versions whose variables name the stack's tables, queues and topic or bus
    if bus:
        del world.outputs["notifications_topic_arn"]
        world.outputs["notifications_bus_arn"] = "arn:aws:events:eu-west-1:123456789012:event-bus/orders-prod-events"
    variables = {
        "ORDERS_TABLE": world.outputs["orders_table"],
        "STOCK_TABLE": world.outputs["stock_table"],
        "ORDERS_QUEUE_URL": world.outputs["orders_queue_url"],
        "DEAD_LETTER_QUEUE_URL": world.outputs["dead_letter_queue_url"],
        **(
            {"NOTIFICATIONS_BUS_NAME": "orders-prod-events"}
            if bus
            else {"NOTIFICATIONS_TOPIC_ARN": world.outputs["notifications_topic_arn"]}
        ),
    }
    for index, each in enumerate(world.lambda_.versions(9)):
        owner = "worker" if index == 2 else "api"
        each.environment = {**variables, "IDEMPOTENCY_TABLE": world.outputs[f"{owner}_idempotency_table"]}

    # WHEN / THEN
    assert world.run("rollback", "--yes") == 0


def test_tags_do_not_exceed_their_maximum_length(world: DeployTarget) -> None:
    # GIVEN / WHEN many shifts and rollbacks of versions with long numbers (the stand-in checks the length of tags)
    for number in range(10_000, 10_012):
        release(world, number)
        assert world.run("rollback", "--yes") == 0

    # THEN the latest rollbacks are kept
    assert [len(tag.split()) for tag in world.lambda_.tag("RolledBack")] == [3, 3, 3]
    assert all(tag.startswith("10011@") for tag in world.lambda_.tag("RolledBack"))
