"""Tests docs/options.md and the schema of stack files."""

import json

import pytest
import yaml
from jsonschema import Draft202012Validator

from lab.docs import options
from local.instance import ROOT
from pipeline.config import StackConfig


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({}, None),
        ({"batch_sise": 10}, "batch_sise"),
        ({"batch_size": 0}, "0 is less than"),
        ({"environment": "prod"}, "'prod' is not one of"),
        ({"origin_secret": "in the clear"}, "is not of type 'object'"),
        ({"origin_secret": {"secure": "v1:abc"}}, None),
    ],
)
@pytest.mark.parametrize("stack", ["dev", "prod", "local"])
def test_the_schema_finds_errors_in_a_stack_file(stack: str, changed: dict[str, object], named: str | None) -> None:
    # GIVEN a stack file that names the schema
    file = ROOT / f"Pulumi.{stack}.yaml"
    content = yaml.safe_load(file.read_text())
    assert file.read_text().startswith(f"# yaml-language-server: $schema={options.SCHEMA.relative_to(ROOT)}\n")

    # WHEN options are changed
    content["config"] |= changed
    found = [each.message for each in Draft202012Validator(json.loads(options.schema())).iter_errors(content)]

    # THEN the schema check names the error, if there is one
    assert bool(found) == (named is not None)
    assert named is None or named in found[0]


def test_every_option_has_one_row_with_six_cells() -> None:
    # GIVEN
    rows = [line for line in options.table().splitlines() if line.startswith("| `")]

    # WHEN
    names = [row.split("`")[1] for row in rows]

    # THEN
    assert sorted(names) == sorted(StackConfig.model_fields)
    assert all(row.replace("\\|", "").count("|") == 7 for row in rows)


def test_a_page_without_a_place_for_the_table_is_refused() -> None:
    # GIVEN / WHEN / THEN
    with pytest.raises(ValueError, match="the page lacks"):
        options.text("# Nothing\n")
