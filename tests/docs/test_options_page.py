"""docs/options.md says what the code does."""

from pathlib import Path

import pytest

from lab.docs import options
from pipeline.config import StackConfig


def test_the_page_is_what_the_code_says() -> None:
    # GIVEN
    committed = options.PATH.read_text(encoding="utf-8")

    # WHEN / THEN
    assert committed == options.text(committed), "run: python -m lab.docs.options"


def test_every_option_has_one_row_with_its_default() -> None:
    # GIVEN
    rows = [line for line in options.table().splitlines() if line.startswith("| `")]

    # WHEN
    names = [row.split("`")[1] for row in rows]

    # THEN
    assert sorted(names) == sorted(StackConfig.model_fields)
    assert all(row.replace("\\|", "").count("|") == 7 for row in rows)


def test_a_page_that_differs_is_found_and_written_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN
    page = tmp_path / "options.md"
    page.write_text(f"# Mine\n{options.BEGIN}\n{options.END}\nafter\n", encoding="utf-8")
    monkeypatch.setattr(options, "PATH", page)

    # WHEN
    before, _, after = options.main(["--check"]), options.main([]), options.main(["--check"])

    # THEN
    assert (before, after) == (1, 0)
    assert "python -m lab.docs.options" in capsys.readouterr().err
    assert page.read_text(encoding="utf-8").startswith("# Mine\n")
    assert page.read_text(encoding="utf-8").endswith("\nafter\n")


def test_a_page_without_a_place_for_the_table_is_refused() -> None:
    # GIVEN / WHEN / THEN
    with pytest.raises(ValueError, match="allowed: one between"):
        options.text("# Nothing\n")
