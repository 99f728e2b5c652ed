"""Tests how the stand-in provider classifies changes and converts values, without an engine."""

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
def test_a_change_of_inputs_is_classified(old: dict[str, Any], new: dict[str, Any], expected: Change) -> None:
    # GIVEN a queue's old and new inputs
    # WHEN they are compared
    found = change(QUEUE, old, new)
    # THEN the result names the changed inputs and those that force a replacement. It also says whether a replacement
    # deletes the old resource first.
    assert found == expected


@pytest.mark.parametrize(("moved", "differing"), [({"path": "other.zip"}, ()), ({"hash": "abd"}, ("code",))])
def test_an_archive_is_compared_by_content(moved: dict[str, Any], differing: tuple[str, ...]) -> None:
    # GIVEN code at another path, or with other content
    old, new = {"code": archive()}, {"code": archive(**moved)}
    # WHEN they are compared
    found = change(FUNCTION, old, new)
    # THEN only other content is a change
    assert found.differing == differing


def test_an_error_names_a_type_that_the_table_of_replacements_lacks() -> None:
    # GIVEN a type without a line in the table
    # WHEN its inputs change / THEN the error names the file that needs the line
    with pytest.raises(LookupError, match=r"aws:a/b:C: local/engine/provider/changes\.py has no line"):
        change("aws:a/b:C", {"x": 1}, {"x": 2})


def test_the_table_of_replacements_has_every_type_that_the_embedded_aws_can_create() -> None:
    # GIVEN the types that the embedded AWS can create
    # WHEN they are looked up in the table
    missing = HANDLERS.keys() - REPLACED_BY.keys()
    # THEN each has a line
    assert not missing


@pytest.mark.parametrize(("publish", "version"), [(True, UNKNOWN), (False, "3")])
def test_the_next_published_version_is_unknown_in_a_preview(publish: bool, version: str) -> None:
    # GIVEN a function with a version
    outputs = {"version": "3", "arn": "arn:f", "timeout": 3}
    # WHEN an update of it is previewed
    found = previewed(FUNCTION, outputs, {"publish": publish, "timeout": 4})
    # THEN the function's version is known only if the update publishes no new version
    assert found == {"version": version, "arn": "arn:f", "timeout": 4, "publish": publish}


def test_values_converted_for_the_engine_and_back_are_unchanged() -> None:
    # GIVEN values of every kind
    values = {"text": "a", "whole": 3, "part": 0.5, "yes": True, "list": [1, {"deep": "b"}], "map": {"k": "v"}}
    # WHEN they are converted for the engine and back, together with an unset property
    back = wire.plain(wire.struct({**values, "unset": None}))
    # THEN they are unchanged, and whole numbers are integers
    assert back == values
    assert isinstance(back["whole"], int)
    assert isinstance(back["yes"], bool)


def test_archives_of_the_engine_become_objects_of_the_sdk() -> None:
    # GIVEN archives as the engine sends them: each has the signature that marks an archive
    nested = archive(path=None, assets={"a.py": archive(path="a.zip")})
    # WHEN they are converted, with paths relative to a folder
    one, many = (wire.opened(each, Path("folder")) for each in (archive(), nested))
    # THEN they are objects of the SDK, with paths in that folder
    assert isinstance(one, pulumi.FileArchive)
    assert one.path == "folder/code.zip"
    assert isinstance(many, pulumi.AssetArchive)
    assert many.assets["a.py"].path == "folder/a.zip"  # type: ignore[union-attr] # the SDK's union of asset kinds
