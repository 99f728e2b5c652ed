"""`ops deploy prune`, over a stand-in of Lambda's versions and aliases."""

import json
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from ops.deploy import prune
from tests.ops.deploying import NAMES, World


class FakeLambda:
    """The same versions of every function, and `live` at one of them; `refused` cannot be deleted."""

    def __init__(
        self, versions: range = range(1, 13), live: int = 12, shifted_to: int = 0, refused: tuple[int, ...] = ()
    ) -> None:
        self.versions = versions
        self.live = live
        self.shifted_to = shifted_to
        self.refused = refused
        self.deleted: list[tuple[str, str]] = []

    def get_paginator(self, operation: str) -> Any:
        return {"list_versions_by_function": _Pages(self._versions), "list_aliases": _Pages(self._aliases)}[operation]

    def _versions(self) -> list[dict[str, Any]]:
        # As text "9" is above "10"; a page ends anywhere.
        shown = ["$LATEST", *map(str, self.versions)]
        return [{"Versions": [{"Version": each} for each in part]} for part in (shown[:4], shown[4:])]

    def _aliases(self) -> list[dict[str, Any]]:
        routing = (
            {"RoutingConfig": {"AdditionalVersionWeights": {str(self.shifted_to): 0.1}}} if self.shifted_to else {}
        )
        return [{"Aliases": [{"Name": "live", "FunctionVersion": str(self.live), **routing}]}]

    def delete_function(self, FunctionName: str, Qualifier: str) -> None:
        if int(Qualifier) in self.refused:
            error: Any = {"Error": {"Code": "ResourceConflictException", "Message": "an alias uses it"}}
            raise ClientError(error, "DeleteFunction")
        self.deleted.append((FunctionName, Qualifier))


class _Pages:
    def __init__(self, pages: Any) -> None:
        self._pages = pages

    def paginate(self, FunctionName: str) -> Any:
        assert FunctionName.startswith("orders-prod-")
        return self._pages()


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> World:
    made = World(monkeypatch, tmp_path)
    made.lambda_ = FakeLambda()
    return made


def deleted(world: World) -> list[int]:
    """Versions of the first function that went."""
    return [int(version) for name, version in world.lambda_.deleted if name == "orders-prod-create-order"]


def test_old_versions_of_every_function_go_and_the_newest_stay(world: World) -> None:
    # GIVEN / WHEN
    code = world.run("prune", "--yes")

    # THEN
    assert code == 0
    assert world.lambda_.deleted == [(f"orders-prod-{name}", str(old)) for name in NAMES for old in range(1, 8)]


def test_what_callers_use_stays_however_old_and_all_that_is_newer(world: World) -> None:
    # GIVEN a stack that was never shifted to what is published
    world.lambda_ = FakeLambda(live=3)

    # WHEN
    world.run("prune", "--yes", "--keep", "1")

    # THEN
    assert deleted(world) == [1, 2]


def test_what_is_being_shifted_to_stays_and_what_is_shifted_from(world: World) -> None:
    # GIVEN
    world.lambda_ = FakeLambda(live=4, shifted_to=9)

    # WHEN
    world.run("prune", "--yes", "--keep", "1")

    # THEN
    assert deleted(world) == [1, 2, 3, 5, 6, 7, 8]


def test_a_dry_run_tells_and_deletes_nothing(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    # GIVEN / WHEN
    code = world.run("prune", "--json", "--keep", "10")

    # THEN
    told = json.loads(capsys.readouterr().out)
    assert code == 0
    assert told["dry_run"] is True
    assert [each["old"] for each in told["functions"]] == [[1, 2]] * 3
    assert world.lambda_.deleted == []


def test_one_that_cannot_be_deleted_is_told_and_the_rest_goes(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    # GIVEN
    world.lambda_ = FakeLambda(refused=(2,))

    # WHEN
    code = world.run("prune", "--yes", "--keep", "9")

    # THEN
    assert code == 6
    assert deleted(world) == [1, 3]
    out = capsys.readouterr().out
    assert "deleted 1, 3;" in out
    assert "version 2 was not deleted" in out


@pytest.mark.parametrize(
    ("options", "told"),
    [((), "would delete 1, 2; would keep 3, 4, 5"), (("--yes",), "deleted 1, 2; kept 3, 4, 5")],
)
def test_the_lines_tell_a_plan_from_what_was_done(
    world: World, options: tuple[str, ...], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN / WHEN
    world.run("prune", "--keep", "10", *options)

    # THEN
    assert told in capsys.readouterr().out


@pytest.mark.parametrize("count", ["0", "-1", "all"])
def test_keeping_none_is_refused(world: World, count: str, capsys: pytest.CaptureFixture[str]) -> None:
    # GIVEN / WHEN
    with pytest.raises(SystemExit) as ended:
        world.run("prune", "--yes", "--keep", count)

    # THEN
    assert ended.value.code == 2
    assert "a whole number from 1" in capsys.readouterr().err
    assert world.lambda_.deleted == []


def test_a_function_without_versions_stops_it_before_anything_is_deleted(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN
    world.lambda_ = FakeLambda(versions=range(0))

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
def test_nothing_that_is_used_or_new_ever_goes(count: int, live: int, shifted_to: int, keep: int) -> None:
    # GIVEN
    live, shifted_to = min(live, count), min(shifted_to, count)
    client = FakeLambda(range(1, count + 1), live, shifted_to)

    # WHEN
    planned = prune.plan(client, "orders-prod-get_order", keep)

    # THEN
    assert set(planned.old) | set(planned.kept) == set(client.versions)
    assert not {live, shifted_to, *client.versions[-keep:]} & set(planned.old)
    assert not [each for each in planned.old if each > max(live, shifted_to)]
