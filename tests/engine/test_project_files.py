"""Project and stack files are held to what the `pulumi` command takes."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from lab import project_files


def folder(path: Path, config: dict[str, Any], stack: dict[str, Any]) -> Path:
    project = {"name": "orders", "runtime": "python", "config": config}
    (path / "Pulumi.yaml").write_text(yaml.safe_dump(project))
    (path / "Pulumi.dev.yaml").write_text(yaml.safe_dump({"config": stack}))
    return path


@pytest.mark.parametrize(
    ("declaration", "value"),
    [
        ({"type": "string"}, "a"),
        ({"type": "integer"}, 3),
        ({"type": "integer"}, "3"),
        ({"type": "integer"}, 3.0),
        ({"type": "boolean"}, True),
        ({"type": "boolean"}, "false"),
        ({"type": "object"}, {"any": {"thing": 1}}),
        ({"type": "array", "items": {"type": "object"}}, [{"a": 1}]),
        ({"type": "array", "items": {"type": "array", "items": {"type": "integer"}}}, [[1], []]),
        ({"type": "integer", "secret": True}, {"secure": "v1:abc"}),
        ({"description": "of any type"}, [1, "a"]),
    ],
)
def test_a_value_of_the_declared_type_passes(tmp_path: Path, declaration: dict[str, Any], value: Any) -> None:
    # GIVEN a declared key and a stack that sets it
    files = folder(tmp_path, {"key": declaration}, {"orders:key": value})
    # WHEN the files are checked
    found = project_files.findings(files)
    # THEN nothing is found
    assert found == []


@pytest.mark.parametrize(
    ("declaration", "value", "expected"),
    [
        ({"type": "string"}, 3, "int given, string needed"),
        ({"type": "integer"}, 3.5, "float given, integer needed"),
        ({"type": "integer"}, "many", "str given, integer needed"),
        ({"type": "integer"}, True, "bool given, integer needed"),
        ({"type": "boolean"}, "yes", "str given, boolean needed"),
        ({"type": "boolean"}, 1, "int given, boolean needed"),
        ({"type": "object"}, [], "list given, object needed"),
        ({"type": "array", "items": {"type": "string"}}, ["a", 1], "list given, array needed"),
        ({"type": "number"}, 1, "type 'number' given; allowed: string, integer, boolean, array, object"),
        ({"type": "array"}, [], "an array needs `items`"),
        ({"type": "string", "minimum": 1}, "a", "minimum given; allowed"),
        ({"default": 1, "value": 1}, 1, "not both"),
        ({"type": "integer", "default": "x"}, 1, "the default is not of type integer"),
    ],
)
def test_what_the_command_refuses_is_found(
    tmp_path: Path, declaration: dict[str, Any], value: Any, expected: str
) -> None:
    # GIVEN a declaration, or a value of it, that the command does not take
    files = folder(tmp_path, {"key": declaration}, {"orders:key": value})
    # WHEN the files are checked
    found = project_files.findings(files)
    # THEN the finding names the key and what is allowed
    assert len(found) == 1
    assert "orders:key" in found[0]
    assert expected in found[0]


def test_a_key_of_another_namespace_takes_only_a_value(tmp_path: Path) -> None:
    # GIVEN a provider's key declared with a type
    files = folder(tmp_path, {"aws:region": {"type": "string", "default": "eu-west-1"}}, {})
    # WHEN the files are checked
    found = project_files.findings(files)
    # THEN it is refused
    assert found == ["Pulumi.yaml: aws:region: a key of another namespace takes a `value`, no `type` and no `default`"]


def test_a_misspelt_stack_key_is_found(tmp_path: Path) -> None:
    # GIVEN a stack key that differs from the declared one
    files = folder(tmp_path, {"batch_size": {"type": "integer", "default": 10}}, {"orders:batchsize": 5})
    # WHEN the files are checked
    found = project_files.findings(files)
    # THEN it is named
    assert found == ["Pulumi.dev.yaml: orders:batchsize is not declared in Pulumi.yaml"]


def test_a_missing_value_is_found(tmp_path: Path) -> None:
    # GIVEN a key without default that the stack does not set
    files = folder(tmp_path, {"email": {"type": "string"}}, {})
    # WHEN the files are checked
    found = project_files.findings(files)
    # THEN it is named
    assert found == ["Pulumi.dev.yaml: orders:email has neither a value here nor a default in Pulumi.yaml"]


def test_a_folder_without_a_project_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    # GIVEN a folder without Pulumi.yaml
    # WHEN it is checked by the command
    with pytest.raises(SystemExit) as ended:
        project_files.main([str(tmp_path)])
    # THEN that is said, and what is allowed
    assert ended.value.code == 2
    assert "allowed: a folder with a Pulumi.yaml" in capsys.readouterr().err
