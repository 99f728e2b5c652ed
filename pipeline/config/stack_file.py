"""Reads the configuration files of the project and a stack, as Pulumi's engine would."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

_DEFAULT_REGION = "eu-west-1"
_QUOTED = re.compile("'[^']*'")


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

    A key without namespace belongs to the project. Only the engine can decrypt secrets. So
    `encrypted` is called with each secret's configuration key, and returns a text that replaces the
    secret. Raises `StackFileError` for a missing or invalid file, a required key without a value, or
    a secret if `encrypted` is not given.
    """
    project_file = _read(root / "Pulumi.yaml")
    if "name" not in project_file:
        raise StackFileError(f"{root / 'Pulumi.yaml'} must have a name.")
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


def parse_yaml(text: str) -> Any:
    """Return the value of a YAML text.

    Raises `yaml.YAMLError`, also for a value that cannot be built, such as 2026-99-99 or a number of 5,000 digits. The
    error does not quote the text, because the text may have a secret.
    """
    try:
        return yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        where = f" in line {error.problem_mark.line + 1}" if error.problem_mark else ""
        problem = error.problem or ""
        if isinstance(error, yaml.composer.ComposerError | yaml.constructor.ConstructorError):
            # These errors quote an alias or a tag. The quoted text may be a secret, because YAML reads a secret that
            # begins with * as an alias, and a secret that begins with ! as a tag.
            problem = _QUOTED.sub("…", problem)
        raise yaml.YAMLError(f"{problem}{where}") from None
    except (yaml.YAMLError, ArithmeticError, AttributeError, LookupError, RecursionError, ValueError) as error:
        raise yaml.YAMLError(f"a value cannot be read ({type(error).__name__})") from None


def _read(path: Path) -> dict[str, Any]:
    try:
        content = parse_yaml(path.read_text(encoding="utf-8")) or {}
    except FileNotFoundError:
        raise StackFileError(f"{path} is missing; it must contain the configuration.") from None
    except UnicodeDecodeError:
        raise StackFileError(f"{path} is not UTF-8 text.") from None
    except yaml.YAMLError as error:
        raise StackFileError(f"{path} is not valid YAML: {error}") from None
    config = (content.get("config") or {}) if isinstance(content, dict) else None
    if not isinstance(config, dict) or not all(isinstance(key, str) for key in config):
        raise StackFileError(f"{path} must be a YAML mapping. Its `config` must be a mapping with texts as keys.")
    return content


def _text(key: str, value: Any, encrypted: Callable[[str], str] | None) -> str:
    if isinstance(value, dict) and "secure" in value:
        if encrypted is None:
            raise StackFileError(
                f"{key} is an encrypted secret, which only Pulumi can read; a local stack needs a plain test value."
            )
        return encrypted(key)
    try:
        return value if isinstance(value, str) else json.dumps(value)
    except (TypeError, ValueError):
        raise StackFileError(f"{key} has a value that JSON cannot express, e.g. a date. Put it in quotes.") from None
