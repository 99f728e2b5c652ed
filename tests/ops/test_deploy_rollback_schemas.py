"""`ops deploy rollback` across schema versions: a worker never goes back to what cannot read the waiting messages."""

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


def writes(world: DeployTarget, versions: dict[int, str], worker: dict[int, str]) -> None:
    """Give versions of create_order and of the worker the schema versions that they know."""
    for function, known in ((FUNCTIONS[0], versions), (FUNCTIONS[2], worker)):
        for number, schemas in known.items():
            world.lambda_.functions[function].versions[number].environment["ORDER_SCHEMA_VERSIONS"] = schemas


def test_a_worker_that_cannot_read_what_the_api_wrote_stays_and_the_api_s_way_back_is_told(
    world: DeployTarget, capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN a release that raised the schema version
    writes(world, {9: "1-1", 10: "1-2"}, {9: "1-1", 10: "1-2"})

    # WHEN all of it is to go back, and then what the refusal names
    refused = world.run("rollback", "--yes")
    told = capsys.readouterr().err
    api = world.run("rollback", "--to", "create_order=9", "--to", "get_order=9", "--yes")

    # THEN
    assert (refused, api) == (5, 0)
    assert "--to create_order=9 --to get_order=9" in told
    assert world.lambda_.moved == [(function, "9") for function in API]


@pytest.mark.parametrize(
    ("left", "code"),
    # A shift takes up to two hours, and is recorded when it begins.
    [(timedelta(days=3), 5), (timedelta(days=4, hours=1), 5), (timedelta(days=4, seconds=TIMEOUT_SECONDS + 60), 0)],
)
def test_the_worker_may_follow_when_no_such_message_can_wait_any_more(
    world: DeployTarget, left: timedelta, code: int
) -> None:
    # GIVEN an API that was sent back from schema version 2 so long ago, and a worker that reads both
    writes(world, {9: "1-1", 10: "1-2"}, {9: "1-1", 10: "1-2"})
    api = world.lambda_.functions[FUNCTIONS[0]]
    api.live = 9
    api.tags["RolledBack"] = f"10@{ago(left)}={code_of(10)}"

    # WHEN / THEN: messages live for four days
    assert world.run("rollback", "--to", "process_order=9", "--yes") == code


def test_what_the_api_wrote_before_the_latest_shift_counts_too(world: DeployTarget) -> None:
    # GIVEN a worker of old that knows schema 1 alone, and an API that went from 2 back to 1 by a release
    writes(world, {8: "1-1", 9: "1-2", 10: "1-1"}, {9: "1-1", 10: "1-2"})

    # WHEN / THEN
    assert world.run("rollback", "--to", "process_order=9", "--yes") == 5


def test_the_api_stays_where_the_worker_reads_what_it_would_write(world: DeployTarget) -> None:
    # GIVEN a worker that gave the old schema up
    writes(world, {9: "1-1", 10: "2-2"}, {9: "1-2", 10: "2-2"})

    # WHEN / THEN
    assert world.run("rollback", "--to", "create_order=9", "--yes") == 5
    assert world.lambda_.calls == []


def test_a_version_that_is_gone_may_have_written_anything(
    world: DeployTarget, capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN
    world.lambda_.functions[FUNCTIONS[0]].tags["RolledBack"] = f"11@{ago(HOUR)}={code_of(11)}"

    # WHEN
    code = world.run("rollback", "--to", "process_order=9", "--yes")

    # THEN
    assert code == 5
    assert "which schema version it wrote" in capsys.readouterr().err


def test_schemas_that_cannot_be_read_are_told(world: DeployTarget, capsys: pytest.CaptureFixture[str]) -> None:
    # GIVEN
    writes(world, {10: "two"}, {})

    # WHEN / THEN
    assert world.run("rollback", "--yes") == 5
    assert "ORDER_SCHEMA_VERSIONS=two" in capsys.readouterr().err
