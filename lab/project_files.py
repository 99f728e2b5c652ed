"""Checks Pulumi.yaml and stack files for what the `pulumi` command would refuse, without the command.

    python -m lab.project_files [FOLDER]

The rules follow the published schema and loader of Pulumi's SDK 3.272; the command itself has the last word. Beyond
it, a stack key of this project that Pulumi.yaml does not declare is a finding: the command lets a misspelt key pass.
Exit codes: 0 clean, 1 findings (one per line), 2 used wrongly.

example:
  python -m lab.project_files .
"""

import argparse
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

TYPES = ("string", "integer", "boolean", "array", "object")
ATTRIBUTES = ("type", "items", "description", "secret", "default", "value")


def findings(folder: Path) -> list[str]:
    """What is wrong with Pulumi.yaml and every Pulumi.STACK.yaml of `folder`.

    Raises:
        FileNotFoundError: there is no Pulumi.yaml.
        yaml.YAMLError: a file is not YAML.
    """
    project = yaml.safe_load((folder / "Pulumi.yaml").read_text())
    name = project.get("name")
    if not isinstance(name, str) or not name:
        return ["Pulumi.yaml: `name` must be a non-empty string"]
    declared = {_full(name, key): _declaration(value) for key, value in (project.get("config") or {}).items()}
    found = [text for key, value in declared.items() for text in _declared(name, key, value)]
    if found:
        return found
    for stack in sorted(folder.glob("Pulumi.*.yaml")):
        config = (yaml.safe_load(stack.read_text()) or {}).get("config") or {}
        values = {_full(name, key): value for key, value in config.items()}
        found += [f"{stack.name}: {text}" for text in _stack(name, declared, values)]
    return found


def _full(project: str, key: str) -> str:
    return key if ":" in key else f"{project}:{key}"


def _declaration(value: Any) -> Mapping[str, Any]:
    """The short form `key: value` is a default without a declared type."""
    return value if isinstance(value, Mapping) else {"default": value}


def _declared(project: str, key: str, declaration: Mapping[str, Any]) -> Iterator[str]:
    where = f"Pulumi.yaml: {key}"
    kind = declaration.get("type")
    unknown = sorted(set(declaration) - set(ATTRIBUTES))
    if unknown:
        yield f"{where}: {', '.join(unknown)} given; allowed: {', '.join(ATTRIBUTES)}"
    if declaration.get("default") is not None and declaration.get("value") is not None:
        yield f"{where}: give `default` or `value`, not both"
    if not key.startswith(f"{project}:"):
        if set(declaration) & {"type", "default"} or declaration.get("value") is None:
            yield f"{where}: a key of another namespace takes a `value`, no `type` and no `default`"
    elif kind is not None:
        yield from (f"{where}: {text}" for text in _type(kind, declaration.get("items")))
        default = declaration.get("default")
        if default is not None and not accepts(kind, declaration.get("items"), default):
            yield f"{where}: the default is not of type {kind}"


def _type(kind: Any, items: Any) -> Iterator[str]:
    if kind not in TYPES:
        yield f"type {kind!r} given; allowed: {', '.join(TYPES)}"
    elif kind == "array":
        if isinstance(items, Mapping) and "type" in items:
            yield from _type(items["type"], items.get("items"))
        else:
            yield "an array needs `items` with a `type`"


def _stack(project: str, declared: Mapping[str, Mapping[str, Any]], values: Mapping[str, Any]) -> Iterator[str]:
    for key, value in values.items():
        declaration = declared.get(key)
        if declaration is None:
            if key.startswith(f"{project}:"):
                yield f"{key} is not declared in Pulumi.yaml"
        elif "type" in declaration and not _encrypted(value):
            kind = declaration["type"]
            if not accepts(kind, declaration.get("items"), value):
                yield f"{key}: {type(value).__name__} given, {kind} needed"
    for key, declaration in declared.items():
        if key not in values and declaration.get("default") is None and declaration.get("value") is None:
            yield f"{key} has neither a value here nor a default in Pulumi.yaml"


def _encrypted(value: Any) -> bool:
    return isinstance(value, Mapping) and set(value) == {"secure"}


def accepts(kind: str, items: Mapping[str, Any] | None, value: Any) -> bool:
    """Whether a config value is of a declared type. Objects are opaque: what is inside them is not checked."""
    if kind == "integer":
        whole = isinstance(value, float) and value.is_integer()
        number = isinstance(value, int) and not isinstance(value, bool)
        return whole or number or (isinstance(value, str) and re.fullmatch(r"[+-]?[0-9]+", value) is not None)
    if kind == "boolean":
        return isinstance(value, bool) or value in ("true", "false")
    if kind == "array":
        if not isinstance(value, list) or items is None:
            return False
        return all(accepts(items["type"], items.get("items"), member) for member in value)
    return isinstance(value, str if kind == "string" else Mapping)


def main(arguments: list[str] | None = None) -> int:
    """Print the findings."""
    parser = argparse.ArgumentParser(
        prog="python -m lab.project_files",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("folder", nargs="?", type=_project, default=Path(), help="where Pulumi.yaml is (default: here)")
    found = findings(parser.parse_args(arguments).folder)
    sys.stdout.writelines(f"{text}\n" for text in found)
    return 1 if found else 0


def _project(text: str) -> Path:
    if not (Path(text) / "Pulumi.yaml").is_file():
        message = f"given {text}; allowed: a folder with a Pulumi.yaml"
        raise argparse.ArgumentTypeError(message)
    return Path(text)


if __name__ == "__main__":
    sys.exit(main())
