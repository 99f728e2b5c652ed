"""Tests how stack files are read, and that the repository's stack files have the values in `EFFECTS`."""

import re
from pathlib import Path

import pytest

from lab.recording.recording import PROJECT, read_stack_file
from pipeline.config.stack_file import StackFileError, load_settings

# Stack, option, value, and the effect of the value.
EFFECTS = [
    ("prod", "environment", "production", "follows the rules of production"),
    ("prod", "authorizer", "cognito", "verifies its callers"),
    ("prod", "gradual_deploy", "Canary10Percent5Minutes", "shifts traffic gradually"),
    ("dev", "environment", "development", "is exempt from the rules of production"),
]


@pytest.mark.parametrize(("stack", "option", "value", "effect"), EFFECTS)
def test_a_stack_file_keeps_the_listed_choice(stack: str, option: str, value: str, effect: str) -> None:
    # GIVEN / WHEN
    given = read_stack_file(stack).get(f"{PROJECT}:{option}", "not set")

    # THEN
    assert given == value, (
        f"in Pulumi.{stack}.yaml, {option} must be {value}, but is {given}. So stack {stack} no longer {effect}"
    )


PROJECT_FILE = """
name: orders
config:
  level: {type: string, default: INFO}
  aws:region: {value: eu-west-1}
  count: {type: integer}
  password: {type: string, secret: true}
  names: {type: array, items: {type: string}, default: [a, b]}
"""


def written(root: Path, stack: str) -> Path:
    (root / "Pulumi.yaml").write_text(PROJECT_FILE)
    (root / "Pulumi.local.yaml").write_text(stack)
    return root


def test_configuration_is_merged_as_the_pulumi_engine_merges_it(tmp_path: Path) -> None:
    # GIVEN defaults in the project file, values in the stack file, one override, and two secrets, one with a value
    root = written(tmp_path, "config:\n  orders:count: 3\n  other:key: {secure: AAAB}\n")

    # WHEN the configuration is loaded
    settings = load_settings(root, "local", {"level": "DEBUG"}, lambda key: f"secret {key}")

    # THEN each source gives its values, and the override replaces a default. Keys have namespaces,
    # and lists are JSON. The function that was passed to `load_settings` supplies the value of
    # the encrypted secret. The secret without a value is left out
    assert settings.config == {
        "aws:region": "eu-west-1",
        "orders:count": "3",
        "orders:level": "DEBUG",
        "orders:names": '["a", "b"]',
        "other:key": "secret other:key",
    }
    assert settings.region == "eu-west-1"


@pytest.mark.parametrize(
    ("stack", "message"),
    [
        ("config: {}", "Pulumi.local.yaml must set orders:count"),
        ("config: {orders:count: {secure: AAAB}}", "orders:count is an encrypted secret"),
        ("config:\n- [password", "Pulumi.local.yaml is not valid YAML: expected ',' or ']', but got"),
        ("config: {orders:count: 2026-99-99}", "Pulumi.local.yaml is not valid YAML: a value cannot be read"),
        (
            "config: {orders:edge_secret: *hunter2}",
            "Pulumi.local.yaml is not valid YAML: found undefined alias … in line 1",
        ),
        ("config: {orders:edge_secret: !hunter2 x}", "could not determine a constructor for the tag … in line 1"),
        ("config: {orders:count: 2026-01-01}", "orders:count has a value that JSON cannot express, e.g. a date"),
        ("config: {orders:count: {2026-01-01: 1}}", "orders:count has a value that JSON cannot express, e.g. a date"),
        ("config: [password]", "Pulumi.local.yaml must be a YAML mapping"),
        ("config: {1: password}", "Pulumi.local.yaml must be a YAML mapping"),
        ("[password]", "Pulumi.local.yaml must be a YAML mapping"),
    ],
)
def test_the_refusal_of_a_stack_file_names_the_file_or_the_key(tmp_path: Path, stack: str, message: str) -> None:
    # GIVEN / WHEN
    with pytest.raises(StackFileError, match=re.escape(message)) as refusal:
        load_settings(written(tmp_path, stack), "local", {})

    # THEN the message repeats nothing else of the file, because any text in it may be a secret
    assert not re.search("password|hunter2", str(refusal.value))
    assert "\n" not in str(refusal.value)


def test_the_refusal_names_a_missing_file(tmp_path: Path) -> None:
    # GIVEN / WHEN / THEN
    with pytest.raises(StackFileError, match=r"Pulumi\.yaml is missing"):
        load_settings(tmp_path, "local", {})
