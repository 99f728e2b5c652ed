"""Reads the configuration files of the project and a stack, as Pulumi's engine would."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

_DEFAULT_REGION = "eu-west-1"


class StackFileError(Exception):
    """A file is missing or has a value that cannot be used."""


@dataclass(frozen=True)
class StackSettings:
    """Project name and full configuration (`namespace:key` → text, objects as JSON) of one stack."""

    project: str
    stack: str
    config: Mapping[str, str]

    @property
    def region(self) -> str:
        """The Region of the stack."""
        return self.config.get("aws:region", _DEFAULT_REGION)

    def override(self, config: Mapping[str, str]) -> "StackSettings":
        """Return the settings with these values changed."""
        return replace(self, config={**self.config, **config})


def load_settings(
    root: Path, stack: str, overrides: Mapping[str, str], encrypted: Callable[[str], str] | None = None
) -> StackSettings:
    """Read `Pulumi.yaml` (defaults) and `Pulumi.{stack}.yaml` under `root`, then apply `overrides`.

    A key without namespace belongs to the project. Only the engine can decrypt secrets, so `encrypted` returns a
    substitute for the secret of a key. Raises `StackFileError` for a missing or invalid file, a required key without
    a value, or a secret without a substitute.
    """
    project_file = _read(root / "Pulumi.yaml")
    project = str(project_file["name"])
    given = {
        _full(project, key): value for key, value in (_read(root / f"Pulumi.{stack}.yaml").get("config") or {}).items()
    }
    given |= {_full(project, key): value for key, value in overrides.items()}
    for key, schema in (project_file.get("config") or {}).items():
        _apply_default(given, _full(project, key), schema, stack)
    return StackSettings(project, stack, {key: _text(key, value, encrypted) for key, value in given.items()})


def _apply_default(given: dict[str, Any], key: str, schema: Any, stack: str) -> None:
    if not isinstance(schema, dict):
        given.setdefault(key, schema)
        return
    for source in ("value", "default"):
        if source in schema:
            given.setdefault(key, schema[source])
    if key not in given and not schema.get("secret"):
        raise StackFileError(f"Pulumi.{stack}.yaml must set {key}, because Pulumi.yaml has no default for it.")


def _full(project: str, key: str) -> str:
    return key if ":" in key else f"{project}:{key}"


def _read(path: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(path.read_text())
    except FileNotFoundError:
        raise StackFileError(f"{path} is missing; it must contain the configuration.") from None
    except yaml.YAMLError as error:
        raise StackFileError(f"{path} is not valid YAML: {error}") from None
    return content or {}


def _text(key: str, value: Any, encrypted: Callable[[str], str] | None) -> str:
    if isinstance(value, dict) and "secure" in value:
        if encrypted is None:
            raise StackFileError(f"{key} is an encrypted secret, which only Pulumi can read; use a plain test value.")
        return encrypted(key)
    return value if isinstance(value, str) else json.dumps(value)
