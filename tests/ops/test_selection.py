"""Tests that an advised command names the same stack as the command line."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given as example_of
from hypothesis import strategies as st

from ops.cli.main import main, parser
from ops.cli.selection import choice_of, completed
from ops.errors import ExitCode
from ops.status.findings import Finding, Severity
from ops.target import LOCAL_VARIABLE, STACK_VARIABLE, Choice
from tests.ops.factories import ORDER_ID, body, good_row, text
from tests.ops.test_cli_refusals import LEVELS
from tests.ops.test_without_yes import CommandRunner, runner, stack

__all__ = ["runner", "stack"]

COMMANDS = [" ".join(words) for words, level in LEVELS.items() if "--json" in level._option_string_actions]
NAMED = ("--stack prod", "--local", "--outputs 'of prod.json'", "--state-dir folder", "--local --state-dir folder")


@pytest.mark.parametrize("given", NAMED)
def test_an_advised_command_names_the_stack_that_was_named(given: str) -> None:
    # GIVEN a command line that names the stack
    choice = choice_of(parser().parse_args(["status", *shlex.split(given)]))
    # WHEN a text advises each command twice: at the end of a sentence, and with an argument
    text = " ".join(f"Look: python -m ops {command}. Then: python -m ops {command} ID" for command in COMMANDS)
    # THEN each names the stack in the same way, and its own arguments follow
    assert completed(text, choice) == " ".join(
        f"Look: python -m ops {command} {given}. Then: python -m ops {command} {given} ID" for command in COMMANDS
    )


CHARACTERS = st.characters(exclude_categories=["Cs"])
WORDS = st.builds(str.__add__, st.sampled_from(["", "-", "--stack"]), st.text(CHARACTERS, min_size=1))


@example_of(
    named=st.one_of(
        st.builds(dict, stack=WORDS), st.builds(dict, outputs=WORDS.map(Path)), st.builds(dict, local=st.just(True))
    ),
    folder=st.none() | WORDS.map(Path),
)
def test_an_advised_command_names_a_stack_of_any_name(named: dict[str, Any], folder: Path | None) -> None:
    # GIVEN a stack, file or folder with any name, also one that looks like an option or has spaces and quotes
    choice = Choice(**named, state_dir=folder)
    # WHEN the advised command is pasted
    advised = completed("python -m ops dlq show ID", choice).removeprefix("python -m ops ")
    options = parser().parse_args(shlex.split(advised))
    # THEN
    assert choice_of(options) == choice
    assert (options.action, options.id) == ("show", "ID")


def test_a_text_stays_unchanged_if_no_command_is_registered(monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN a program in which no command of `python -m ops` is registered
    monkeypatch.setattr("ops.cli.selection._COMMANDS", set())
    # WHEN / THEN
    assert completed("Look: python -m ops status", Choice(stack="prod")) == "Look: python -m ops status"


def test_nothing_is_added_if_the_environment_names_the_stack(monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN
    monkeypatch.setenv(STACK_VARIABLE, "prod")
    monkeypatch.setenv(LOCAL_VARIABLE, "elsewhere")
    text = " ".join(f"python -m ops {command} ID" for command in COMMANDS)
    # WHEN / THEN
    assert completed(text, choice_of(parser().parse_args(["status"]))) == text


def test_other_programs_and_other_words_stay_as_they_are() -> None:
    # GIVEN texts that contain no command of this program
    choice = choice_of(parser().parse_args(["status", "--stack", "prod"]))
    texts = ("python -m ops.preview --stack dev", "pulumi stack output", "`dlq list`", "python -m ops dlq", "")
    # WHEN / THEN
    assert [completed(text, choice) for text in texts] == list(texts)


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("order", "replay-events", ORDER_ID), ExitCode.REFUSED),
        (("dlq", "show", ORDER_ID), ExitCode.REFUSED),
        (("dlq", "discard", ORDER_ID, "--by", "Ada", "--reason", "test"), ExitCode.REFUSED),
    ],
    ids=lambda words: "-".join(words[:2]) if isinstance(words, tuple) else "",
)
def test_a_refusal_names_the_stack(words: tuple[str, ...], code: ExitCode, runner: CommandRunner, capsys: Any) -> None:
    # GIVEN an order without a dead letter and without an event
    runner.stack.put_order(good_row(ORDER_ID))
    # WHEN a command refuses to act on the order, and advises another command
    assert runner.stack.run(*words) == code
    # THEN
    error = capsys.readouterr().err
    assert error.count("python -m ops") == error.count(runner.stack.selection) >= 1


@pytest.mark.parametrize("form", [(), ("--json",)], ids=["text", "json"])
def test_an_audit_names_the_stack(form: tuple[str, ...], runner: CommandRunner, capsys: Any) -> None:
    # GIVEN an order's row and a stock row that are unreadable, so that the audit advises a command for each
    runner.stack.put_order(good_row(ORDER_ID, settled_at={"S": "yesterday"}))
    runner.stack.put_stock({"sku": {"S": "SKU-1"}, "available": {"S": "many"}})
    # WHEN
    runner.stack.run("audit", "--no-logs", *form)
    # THEN
    output = capsys.readouterr().out
    for command in (f"order repair {runner.stack.selection} {ORDER_ID}", f"stock get {runner.stack.selection} SKU-1"):
        assert f"Next: python -m ops {command}" in output


def test_the_command_to_start_the_local_stack_names_its_folder(tmp_path: Path, capsys: Any) -> None:
    # GIVEN a folder without a running stack
    folder = tmp_path / "state"
    # WHEN
    code = main(["status", "--local", "--state-dir", str(folder)])
    # THEN
    assert code == ExitCode.NO_STACK
    assert f"python -m local up --state-dir {folder} --detach. If" in capsys.readouterr().err


def test_each_next_command_in_the_json_of_status_names_the_stack(runner: CommandRunner, capsys: Any) -> None:
    # GIVEN a paused worker
    runner.stack.run("worker", "pause", "--by", "Ada", "--reason", "test", "--yes")
    capsys.readouterr()
    # WHEN
    runner.stack.run("status", "--json")
    # THEN
    output = capsys.readouterr()
    commands = [command for finding in json.loads(output.out)["findings"] for command in finding["next"]]
    assert f"python -m ops worker resume {runner.stack.selection} --yes" in commands
    assert all(f"  next: {command}\n" in output.err for command in commands)


def test_a_pasted_next_command_reaches_the_same_stack(
    runner: CommandRunner, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN an environment that names another stack
    monkeypatch.setenv(STACK_VARIABLE, "prod")
    runner.stack.run("stock", "get", "SKU-9")
    advised = capsys.readouterr().err.rpartition("next: python -m ops ")[2]
    # WHEN the advised command is pasted, with a number for N
    code = runner.stack.run(*shlex.split(advised.replace(" N ", " 5 ")))
    # THEN
    assert code == ExitCode.OK
    assert "Dry run" in capsys.readouterr().err


NAME = "it's; $(a 'name')"


@pytest.mark.parametrize(
    "command",
    ["dlq show", "dlq discard --by Ada --reason r", "errors", "audit --no-logs", "orders open"],
)
def test_an_advised_command_quotes_names_for_the_shell(command: str, runner: CommandRunner, capsys: Any) -> None:
    # GIVEN a stock row, an order's row and a dead letter. Each contains NAME, which a shell misreads without quotes
    runner.stack.put_stock({"sku": {"S": NAME}, "available": {"S": "many"}})
    runner.stack.put_order({**good_row(ORDER_ID), "order_id": {"S": NAME}})
    runner.stack.put_dead_letter(body(), {"order_id": text(ORDER_ID), "error_type": text(NAME)})
    # WHEN a command advises other commands
    takes_name = command.startswith("dlq")
    runner.stack.run(*command.split(), *[NAME] * takes_name)
    output = capsys.readouterr()
    # THEN the name is quoted in an advised command
    advised = re.findall("python -m ops (.*)", f"{output.out}{output.err}")
    assert any(shlex.quote(NAME) in each or shlex.quote(f"error_type={NAME}") in each for each in advised)


def test_an_advised_command_works_if_the_options_end_with_a_double_hyphen(runner: CommandRunner, capsys: Any) -> None:
    # GIVEN a dry run with `--` between the options and the arguments of its command line
    runner.stack.run("stock", "add", "--new", *shlex.split(runner.stack.selection), "--", "SKU-9", "5")
    advised = capsys.readouterr().err.rpartition("next: python -m ops ")[2]
    # WHEN the advised command is pasted
    code = runner.stack.run(*shlex.split(advised))
    # THEN it makes the change
    assert code == ExitCode.OK
    assert "Dry run" not in capsys.readouterr().err


@pytest.mark.parametrize("words", ["--token my-token", "--token=my-token"])
def test_the_command_that_a_dry_run_advises_reads_the_token_from_standard_input(
    words: str, runner: CommandRunner, capsys: Any
) -> None:
    # GIVEN / WHEN a dry run with a token
    runner.stack.run("smoke", *words.split(), *shlex.split(runner.stack.selection))
    # THEN its output has no token, and the advised command reads it from standard input
    output = capsys.readouterr()
    assert "my-token" not in f"{output.out}{output.err}"
    advised = output.err.rpartition("next: python -m ops ")[2]
    assert parser().parse_args(shlex.split(advised)).token == "-"


def test_an_option_cannot_be_abbreviated(runner: CommandRunner, capsys: Any) -> None:
    # GIVEN / WHEN `--to`, an abbreviation of `--token`
    with pytest.raises(SystemExit) as ended:
        runner.stack.run("smoke", "--to", "my-token")
    # THEN it is refused. Otherwise the output would show the token, and a future option could change what `--to` means
    assert ended.value.code == ExitCode.USAGE
    capsys.readouterr()


def test_a_command_in_the_text_of_a_finding_names_the_stack() -> None:
    # GIVEN a finding whose text has a command
    finding = Finding(Severity.URGENT, "no answer. Is it running? python -m local status")
    # WHEN it becomes JSON for a local stack whose state is in the folder `folder`
    document = finding.as_json(lambda text: completed(text, Choice(local=True, state_dir=Path("folder"))))
    # THEN the command names the folder
    assert document["text"].endswith("python -m local status --state-dir folder")
