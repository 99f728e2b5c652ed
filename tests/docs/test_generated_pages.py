"""Every generated page says what the code does."""

from pathlib import Path
from types import ModuleType

import pytest

from lab.docs import alarms, dashboard, events, incidents, openapi, option_effects, options, page, scale
from lab.docs.option_changes import Keys
from lab.permissions import __main__ as permissions
from lab.recording.recording import Recording, record_config
from policy.rules import RULES
from policy.rules.tags import TAGGABLE
from tests.policy.test_rules import as_rules_see

LONG = (pytest.param(command, marks=pytest.mark.long) for command in (dashboard, incidents, permissions))
COMMANDS = (alarms, events, openapi, option_effects, options, scale, *LONG)


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> set[tuple[str, str]]:
    """Mandatory rules of the policy pack, each with a resource that breaks it, over what is recorded meanwhile."""
    found: set[tuple[str, str]] = set()

    def record(keys: Keys) -> Recording:
        made = record_config(keys)
        resources = list(as_rules_see(made))
        rules = [rule for rule in RULES if rule.level == "mandatory"]
        found.update((rule.name, each.resource.name) for rule in rules for each in rule.violations(resources))
        found.update(
            ("not in TAGGABLE", each.type) for each in resources if "tags" in each.props and each.type not in TAGGABLE
        )
        return made

    monkeypatch.setattr(option_effects, "record_config", record)
    return found


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.__name__)
def test_a_page_is_what_the_code_says(
    command: ModuleType, broken: set[tuple[str, str]], capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN / WHEN
    code = command.main(["--check"])

    # THEN of options: a value that is ignored, swapped, or taken from another option is another line
    assert code == 0, capsys.readouterr().err
    # AND no option alone breaks the policy pack (here, because recording them all twice would take too long)
    assert broken == set()


def test_a_page_that_differs_is_told_and_written_anew(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    # GIVEN
    path = tmp_path / "page.md"
    path.write_text("what it was\n", encoding="utf-8")

    # WHEN
    codes = [
        page.run("python -m it", {path: lambda: "what it is\n"}, given) for given in (["--check"], [], ["--check"])
    ]

    # THEN
    assert codes == [1, 0, 0]
    told = capsys.readouterr().err
    assert "page.md is out of date. Run: python -m it\n" in told
    assert "-what it was\n+what it is\n" in told


def test_the_table_of_options_leaves_what_stands_around_it() -> None:
    # GIVEN / WHEN
    text = options.text(f"# Mine\n{options.BEGIN}\n{options.END}\nafter\n")

    # THEN
    assert text.startswith("# Mine\n")
    assert text.endswith("\nafter\n")
