"""Tests that every page that is generated from the code is up to date."""

from pathlib import Path
from types import ModuleType

import pytest

from lab.docs import alarms, dashboard, events, incidents, openapi, option_effects, options, page, scale
from lab.docs.option_changes import Keys
from lab.permissions import __main__ as permissions
from lab.recording.recording import Recording, record_config
from policy.rules import RULES
from policy.rules.tags import TAGGABLE
from tests.policy.test_rules import policy_resources

SLOW = (dashboard, incidents, option_effects, permissions)
LONG = (pytest.param(command, marks=pytest.mark.long) for command in SLOW)
COMMANDS = (alarms, events, openapi, options, scale, *LONG)


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> set[tuple[str, str]]:
    """Collect the mandatory policy rules that recorded stacks break, and the tagged types that `TAGGABLE` lacks."""
    found: set[tuple[str, str]] = set()

    def record(keys: Keys) -> Recording:
        made = record_config(keys)
        resources = list(policy_resources(made))
        rules = [rule for rule in RULES if rule.level == "mandatory"]
        found.update((rule.name, each.resource.name) for rule in rules for each in rule.violations(resources))
        found.update(
            ("not in TAGGABLE", each.type) for each in resources if "tags" in each.props and each.type not in TAGGABLE
        )
        return made

    monkeypatch.setattr(option_effects, "record_config", record)
    return found


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.__name__)
def test_a_generated_page_is_up_to_date(
    command: ModuleType, broken: set[tuple[str, str]], capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN / WHEN
    code = command.main(["--check"])

    # THEN the page is up to date. The test also fails if the code ignores an option or swaps two options, because
    # docs/option-effects.md is then out of date
    assert code == 0, capsys.readouterr().err
    # AND no recorded stack breaks a mandatory policy rule, and `TAGGABLE` has all tagged types. This is not a separate
    # test, because recording takes too long
    assert broken == set()


def test_an_outdated_page_is_reported_and_can_be_rewritten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    # GIVEN
    path = tmp_path / "page.md"
    path.write_text("what it was\n", encoding="utf-8")

    # WHEN
    codes = [
        page.run("python -m it", {path: lambda: "what it is\n"}, given) for given in (["--check"], [], ["--check"])
    ]

    # THEN
    assert codes == [1, 0, 0]
    output = capsys.readouterr().err
    assert "page.md is out of date. Run: python -m it\n" in output
    assert "-what it was\n+what it is\n" in output


def test_the_table_of_options_keeps_the_text_around_it() -> None:
    # GIVEN / WHEN
    text = options.text(f"# Mine\n{options.BEGIN}\n{options.END}\nafter\n")

    # THEN
    assert text.startswith("# Mine\n")
    assert text.endswith("\nafter\n")
