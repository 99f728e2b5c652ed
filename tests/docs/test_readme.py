"""README.md keeps up with the code."""

import re
from pathlib import Path

import pytest

from lab.docs import configuration
from lab.docs.configuration import README, renewed, table
from local.instance import ROOT
from pipeline.config import StackConfig

TEXT = README.read_text() if README.exists() else ""


def test_table_of_configuration_is_current() -> None:
    # GIVEN README.md
    # WHEN its table is renewed
    fresh = renewed(TEXT)

    # THEN nothing changes; otherwise: python -m lab.docs.configuration
    assert fresh == TEXT


def test_table_has_every_key_with_its_default() -> None:
    # GIVEN the table
    rows = table().splitlines()[2:]

    # THEN it has a row for each field
    assert [row.split("`")[1] for row in rows] == list(StackConfig.model_fields)
    assert "| `max_receive_count` | `8` |" in table()
    assert "| `protect` | `true` |" in table()


def test_missing_markers_are_said() -> None:
    # GIVEN a text without markers
    # WHEN / THEN the message names them
    with pytest.raises(ValueError, match="configuration: written by"):
        renewed("# Orders\n")


def test_a_table_that_differs_is_found_and_written_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN
    page = tmp_path / "README.md"
    page.write_text(f"# Mine\n{configuration.BEGIN}\nold\n{configuration.END}\nafter\n")
    monkeypatch.setattr(configuration, "README", page)

    # WHEN
    before, _, after = (configuration.main(arguments) for arguments in (["--check"], [], ["--check"]))

    # THEN
    assert (before, after) == (1, 0)
    assert "python -m lab.docs.configuration" in capsys.readouterr().err
    assert page.read_text().endswith("\nafter\n")


def test_links_lead_somewhere() -> None:
    # GIVEN the links of README.md and docs/architecture.md that are files
    for page in (README, ROOT / "docs" / "architecture.md"):
        links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text())

        # THEN each is there
        assert links
        assert [link for link in links if not (page.parent / link).exists()] == []


def test_commands_are_targets_of_make() -> None:
    # GIVEN the make targets that README.md names
    named = set(re.findall(r"(?:^|`)make ([a-z-]+)", TEXT, re.MULTILINE))
    targets = set(re.findall(r"^([a-z -]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    known = {target for line in targets for target in line.split()}

    # THEN make knows them
    assert named - known == set()
