"""`ops deploy prune`, with a stand-in for Lambda's versions and aliases."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops.deploy import prune
from tests.ops.deploying import NAMES, DeployTarget, FakeLambda, FakeVersion, code_of


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> DeployTarget:
    made = DeployTarget(monkeypatch, tmp_path)
    made.lambda_ = twelve()
    return made


def twelve(live: int = 12, weights: Mapping[str, float] = {}, refused: tuple[int, ...] = ()) -> FakeLambda:
    """Return a Lambda with twelve versions of every function."""
    return FakeLambda(range(1, 13), live, weights=weights, refused=refused)


def deleted(world: DeployTarget) -> list[int]:
    """Return the deleted versions of the first function."""
    return [int(version) for name, version in world.lambda_.deleted if name == "orders-prod-create-order"]


def test_old_versions_are_deleted_and_the_newest_stay(world: DeployTarget) -> None:
    # GIVEN / WHEN
    code = world.run("prune", "--yes")

    # THEN
    assert code == 0
    assert world.lambda_.deleted == [(f"orders-prod-{name}", str(old)) for name in NAMES for old in range(1, 8)]


def test_the_version_that_callers_use_and_all_newer_versions_are_kept(world: DeployTarget) -> None:
    # GIVEN a stack whose callers still use an old version, because they were not shifted to a newer one
    world.lambda_ = twelve(live=3)

    # WHEN
    world.run("prune", "--yes", "--keep", "1")

    # THEN
    assert deleted(world) == [1, 2]


def test_both_versions_of_a_running_shift_are_kept(world: DeployTarget) -> None:
    # GIVEN
    world.lambda_ = twelve(live=4, weights={"9": 0.1})

    # WHEN
    world.run("prune", "--yes", "--keep", "1")

    # THEN
    assert deleted(world) == [1, 2, 3, 5, 6, 7, 8]


def test_a_dry_run_lists_versions_and_deletes_none(world: DeployTarget, capsys: pytest.CaptureFixture[str]) -> None:
    # GIVEN / WHEN
    code = world.run("prune", "--json", "--keep", "10")

    # THEN
    output = json.loads(capsys.readouterr().out)
    assert code == 0
    assert output["dry_run"] is True
    assert [each["old"] for each in output["functions"]] == [[1, 2]] * 3
    assert world.lambda_.deleted == []


def test_a_version_that_cannot_be_deleted_is_reported_and_the_rest_is_deleted(
    world: DeployTarget, capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN
    world.lambda_ = twelve(refused=(2,))

    # WHEN
    code = world.run("prune", "--yes", "--keep", "9")

    # THEN
    assert code == 6
    assert deleted(world) == [1, 3]
    out = capsys.readouterr().out
    assert "deleted 1, 3;" in out
    assert "version 2 was not deleted" in out


@pytest.mark.parametrize(
    ("options", "output"),
    [((), "would delete 1, 2; would keep 3, 4, 5"), (("--yes",), "deleted 1, 2; kept 3, 4, 5")],
)
def test_the_output_distinguishes_a_plan_from_deletions(
    world: DeployTarget, options: tuple[str, ...], output: str, capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN / WHEN
    world.run("prune", "--keep", "10", *options)

    # THEN
    assert output in capsys.readouterr().out


@pytest.mark.parametrize("count", ["0", "-1", "all", "\xb2"])
def test_an_invalid_number_of_versions_to_keep_is_refused(
    world: DeployTarget, count: str, capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN / WHEN
    with pytest.raises(SystemExit) as ended:
        world.run("prune", "--yes", "--keep", count)

    # THEN
    assert ended.value.code == 2
    assert "a whole number from 1" in capsys.readouterr().err
    assert world.lambda_.deleted == []


def test_functions_without_versions_are_refused(world: DeployTarget, capsys: pytest.CaptureFixture[str]) -> None:
    # GIVEN
    world.lambda_ = FakeLambda(versions=())

    # WHEN
    code = world.run("prune", "--yes")

    # THEN
    assert code == 3
    assert "Run pulumi up first" in capsys.readouterr().err


@given(
    count=st.integers(1, 30),
    live=st.integers(1, 30),
    shifted_to=st.integers(0, 30),
    keep=st.integers(1, 30),
)
def test_versions_that_are_used_or_new_are_never_deleted(count: int, live: int, shifted_to: int, keep: int) -> None:
    # GIVEN
    live, shifted_to = min(live, count), min(shifted_to, count)
    versions = range(1, count + 1)
    client: Any = FakeLambda(versions, live, weights={str(shifted_to): 0.1} if shifted_to else {})

    # WHEN
    planned = prune.plan(client, "orders-prod-get-order", keep)

    # THEN
    assert set(planned.old) | set(planned.kept) == set(versions)
    assert not {live, shifted_to, *versions[-keep:]} & set(planned.old)
    assert not [each for each in planned.old if each > max(live, shifted_to)]


def test_versions_for_a_rollback_are_kept(world: DeployTarget) -> None:
    # GIVEN
    for each in world.lambda_.functions.values():
        each.tags["LiveBefore"] = "4@2026-11-26T14:00:00Z"
        each.tags["RolledBack"] = f"6@2026-11-25T14:00:00Z={code_of(6)}"

    # WHEN
    world.run("prune", "--keep", "1", "--yes")

    # THEN
    assert deleted(world) == [1, 2, 3, 5, 7, 8, 9, 10, 11]


def test_failed_versions_are_deleted_and_do_not_count_as_kept(world: DeployTarget) -> None:
    # GIVEN two failed versions: 11, which is older than the version that callers use, and 13, which is newer
    for number in (11, 13):
        for each in world.lambda_.functions.values():
            each.versions[number] = FakeVersion(code_of(number), state="Failed")

    # WHEN
    world.run("prune", "--keep", "3", "--yes")

    # THEN
    assert deleted(world) == [*range(1, 9), 11, 13]


def test_a_failed_version_with_an_alias_stays(world: DeployTarget) -> None:
    # GIVEN
    for each in world.lambda_.versions(12):
        each.state = "Failed"

    # WHEN
    world.run("prune", "--keep", "3", "--yes")

    # THEN
    assert deleted(world) == list(range(1, 9))


def test_the_states_failed_and_inactive_are_shown(world: DeployTarget, capsys: pytest.CaptureFixture[str]) -> None:
    # GIVEN
    for number, state in ((2, "Failed"), (11, "Inactive")):
        for each in world.lambda_.versions(number):
            each.state = state

    # WHEN
    world.run("prune", "--keep", "2")

    # THEN
    assert "2 (Failed)" in (out := capsys.readouterr().out)
    assert "would keep 11 (Inactive), 12" in out
