"""Tests what the stand-in provider makes of a change, without an engine."""

from pathlib import Path
from typing import Any

import pulumi
import pytest
from pulumi.runtime.rpc import UNKNOWN

from local.engine.provider import wire
from local.engine.provider.changes import REPLACED_BY, Change, change, previewed
from local.services.registry import HANDLERS

FUNCTION = "aws:lambda/function:Function"
QUEUE = "aws:sqs/queue:Queue"


def archive(**overrides: Any) -> dict[str, Any]:
    return {
        "4dabf18193072939515e22adb298388d": "0def7320c3a5731c473e5ecbe6d01bc7",
        "hash": "abc",
        "path": "code.zip",
    } | overrides


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ({"name": "q", "delaySeconds": 1}, {"name": "q", "delaySeconds": 1}, Change((), (), False)),
        ({"name": "q"}, {"name": "q", "delaySeconds": 1}, Change(("delaySeconds",), (), True)),
        ({"name": "q", "delaySeconds": 1}, {"name": "q"}, Change(("delaySeconds",), (), True)),
        ({"name": "q"}, {"name": "r"}, Change(("name",), ("name",), False)),
        (
            {"name": "q", "fifoQueue": False},
            {"name": "q", "fifoQueue": True},
            Change(("fifoQueue",), ("fifoQueue",), True),
        ),
        ({"fifoQueue": False}, {"fifoQueue": True}, Change(("fifoQueue",), ("fifoQueue",), False)),
        ({"name": "q", "tags": {"a": "b"}}, {"name": "q", "tags": UNKNOWN}, Change(("tags",), (), True)),
    ],
)
def test_a_change_of_inputs(old: dict[str, Any], new: dict[str, Any], expected: Change) -> None:
    # GIVEN a queue's old and new inputs
    # WHEN they are compared
    found = change(QUEUE, old, new)
    # THEN it is known what differs, what replaces, and whether the name is in the way
    assert found == expected


@pytest.mark.parametrize(("moved", "differing"), [({"path": "other.zip"}, ()), ({"hash": "abd"}, ("code",))])
def test_an_archive_is_compared_by_content(moved: dict[str, Any], differing: tuple[str, ...]) -> None:
    # GIVEN code that moved, or that changed in place
    old, new = {"code": archive()}, {"code": archive(**moved)}
    # WHEN they are compared
    found = change(FUNCTION, old, new)
    # THEN only other content is a change
    assert found.differing == differing


def test_a_changed_type_that_the_table_does_not_know_is_an_error() -> None:
    # GIVEN a type without a line in the table
    # WHEN its inputs change THEN the error says where to add one
    with pytest.raises(LookupError, match=r"aws:a/b:C: local/engine/provider/changes\.py has no line"):
        change("aws:a/b:C", {"x": 1}, {"x": 2})


def test_every_type_that_the_embedded_aws_makes_has_a_line() -> None:
    # GIVEN the types that the embedded AWS can create
    # WHEN they are looked up in the table
    missing = HANDLERS.keys() - REPLACED_BY.keys()
    # THEN each is there
    assert not missing


@pytest.mark.parametrize(("publish", "version"), [(True, UNKNOWN), (False, "3")])
def test_a_preview_does_not_know_the_next_published_version(publish: bool, version: str) -> None:
    # GIVEN a function with a version
    outputs = {"version": "3", "arn": "arn:f", "timeout": 3}
    # WHEN an update of it is previewed
    found = previewed(FUNCTION, outputs, {"publish": publish, "timeout": 4})
    # THEN its version is known only when none will be published
    assert found == {"version": version, "arn": "arn:f", "timeout": 4, "publish": publish}


def test_values_survive_the_wire() -> None:
    # GIVEN values of every kind
    values = {"text": "a", "whole": 3, "part": 0.5, "yes": True, "list": [1, {"deep": "b"}], "map": {"k": "v"}}
    # WHEN they go over the wire and back, with an unset property among them
    back = wire.plain(wire.struct({**values, "unset": None}))
    # THEN they are the same, and whole numbers are integers
    assert back == values
    assert isinstance(back["whole"], int)
    assert isinstance(back["yes"], bool)


def test_marked_files_become_the_sdks() -> None:
    # GIVEN marked archives as the engine sends them
    nested = archive(path=None, assets={"a.py": archive(path="a.zip")})
    # WHEN they are opened for a folder
    one, many = (wire.opened(each, Path("folder")) for each in (archive(), nested))
    # THEN they are the SDK's objects, with paths in that folder
    assert isinstance(one, pulumi.FileArchive)
    assert one.path == "folder/code.zip"
    assert isinstance(many, pulumi.AssetArchive)
    assert many.assets["a.py"].path == "folder/a.zip"  # type: ignore[union-attr] # the SDK's union of asset kinds
