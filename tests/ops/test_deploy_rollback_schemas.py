"""`ops deploy rollback` across schema versions: the worker stays on a version that can read the waiting messages."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from ops.deploy.shift import TIMEOUT_SECONDS
from tests.ops.deploying import FUNCTIONS, DeployTarget, ago, code_of, shifted_twice

HOUR = timedelta(hours=1)
API = FUNCTIONS[:2]


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> DeployTarget:
    return shifted_twice(monkeypatch, tmp_path)


def can_read(world: DeployTarget, versions: dict[int, str], worker: dict[int, str]) -> None:
    """Set the schema versions that each version of create_order and of the worker can read."""
    for function, known in ((FUNCTIONS[0], versions), (FUNCTIONS[2], worker)):
        for number, schemas in known.items():
            world.lambda_.functions[function].versions[number].environment["ORDER_SCHEMA_VERSIONS"] = schemas


def test_the_worker_is_not_rolled_back_to_a_version_that_cannot_read_new_messages(
    world: DeployTarget, capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN a release that raised the schema version
    can_read(world, {9: "1-1", 10: "1-2"}, {9: "1-1", 10: "1-2"})

    # WHEN a rollback of all functions is tried. It is refused, and a second rollback runs with the
    # options that the error message names
    refused = world.run("rollback", "--yes")
    output = capsys.readouterr().err
    api = world.run("rollback", "--to", "create_order=9", "--to", "get_order=9", "--yes")

    # THEN
    assert (refused, api) == (5, 0)
    assert "--to create_order=9 --to get_order=9" in output
    assert world.lambda_.moved == [(function, "9") for function in API]


@pytest.mark.parametrize(
    ("since", "code"),
    # For two hours after the API's rollback, some callers may still reach version 10. Their
    # messages live for four days. So the worker's rollback is refused for four days and two hours.
    [(timedelta(days=3), 5), (timedelta(days=4, hours=1), 5), (timedelta(days=4, seconds=TIMEOUT_SECONDS + 60), 0)],
)
def test_the_worker_can_be_rolled_back_when_its_unreadable_messages_have_expired(
    world: DeployTarget, since: timedelta, code: int
) -> None:
    # GIVEN an API that was rolled back from schema version 2 some time ago, and a worker that reads both versions
    can_read(world, {9: "1-1", 10: "1-2"}, {9: "1-1", 10: "1-2"})
    api = world.lambda_.functions[FUNCTIONS[0]]
    api.live = 9
    api.tags["RolledBack"] = f"10@{ago(since)}={code_of(10)}"

    # WHEN / THEN the worker's rollback is refused until the messages, which live for four days, have expired
    assert world.run("rollback", "--to", "process_order=9", "--yes") == code


def test_messages_from_before_the_latest_shift_are_also_considered(world: DeployTarget) -> None:
    # GIVEN version 9 of the worker reads only schema 1. The API wrote schema 2 until the latest shift. Since then it
    # writes schema 1
    can_read(world, {8: "1-1", 9: "1-2", 10: "1-1"}, {9: "1-1", 10: "1-2"})

    # WHEN / THEN
    assert world.run("rollback", "--to", "process_order=9", "--yes") == 5


def test_the_api_is_not_rolled_back_to_a_schema_that_the_worker_cannot_read(world: DeployTarget) -> None:
    # GIVEN a worker that no longer reads the old schema
    can_read(world, {9: "1-1", 10: "2-2"}, {9: "1-2", 10: "2-2"})

    # WHEN / THEN
    assert world.run("rollback", "--to", "create_order=9", "--yes") == 5
    assert world.lambda_.calls == []


def test_a_deleted_version_of_the_api_may_have_written_any_schema(
    world: DeployTarget, capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN
    world.lambda_.functions[FUNCTIONS[0]].tags["RolledBack"] = f"11@{ago(HOUR)}={code_of(11)}"

    # WHEN
    code = world.run("rollback", "--to", "process_order=9", "--yes")

    # THEN
    assert code == 5
    assert "its ORDER_SCHEMA_VERSIONS cannot be read" in capsys.readouterr().err


def test_an_invalid_value_of_order_schema_versions_is_named(
    world: DeployTarget, capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN
    can_read(world, {10: "two"}, {})

    # WHEN / THEN
    assert world.run("rollback", "--yes") == 5
    assert "ORDER_SCHEMA_VERSIONS=two" in capsys.readouterr().err
