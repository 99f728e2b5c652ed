"""Tests the command line of `local`: its error messages and its exit codes."""

import errno
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from local import environment
from local.cli import fault, up
from local.cli.main import main, parser
from local.environment import ensure_environment
from local.errors import LocalError, NoSpaceError
from local.instance import ROOT, StateDir
from tests.local.factories import closed_port, taken_port


def run(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "local", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env={**os.environ, **environment},
    )


@pytest.mark.parametrize("command", ["up", "down", "status", "logs", "fault", "pulumi", "demo", "incident"])
def test_every_command_has_help_with_an_example(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    # GIVEN a command
    # WHEN its help is shown
    with pytest.raises(SystemExit) as caught:
        parser().parse_args([command, "--help"])

    # THEN the help has an example of the command
    assert caught.value.code == 0
    assert f"python -m local {command}" in capsys.readouterr().out


def test_main_help_documents_the_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    # GIVEN the program
    # WHEN its help is shown
    with pytest.raises(SystemExit):
        parser().parse_args(["--help"])

    # THEN the help lists the exit codes, and mentions that the state is in memory
    text = capsys.readouterr().out
    assert "exit codes:" in text
    assert "in memory" in text


WITH_AN_INSTANCE = (["status"], ["logs"], ["fault", "list"], ["fault", "clear"], ["pulumi"])


def test_main_help_names_the_commands_that_need_an_instance(capsys: pytest.CaptureFixture[str]) -> None:
    # GIVEN the commands that exit with 4 if no instance is running
    # WHEN the program's help is shown
    with pytest.raises(SystemExit):
        parser().parse_args(["--help"])

    # THEN the help names exactly these commands beside exit code 4
    line = re.search(r"^ +4 +(.+): ", capsys.readouterr().out, re.MULTILINE)
    assert line is not None
    assert set(line[1].split(", ")) == {command for command, *_ in WITH_AN_INSTANCE}


@pytest.mark.parametrize("command", WITH_AN_INSTANCE)
def test_the_exit_code_is_4_if_no_instance_runs(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN an empty state folder
    # WHEN a command needs an instance
    code = main([*command, "--state-dir", str(tmp_path)])

    # THEN the exit code is 4, and the message has the command that starts an instance
    assert code == 4
    assert "python -m local up" in capsys.readouterr().err


def test_down_without_an_instance_succeeds(tmp_path: Path) -> None:
    # GIVEN files that a crash left, and no running instance
    (tmp_path / "tmp" / "worker").mkdir(parents=True)

    # WHEN the command `down` runs
    code = main(["down", "--state-dir", str(tmp_path)])

    # THEN it succeeds, and the files are deleted
    assert code == 0
    assert not (tmp_path / "tmp").exists()


@pytest.mark.parametrize("detach", [[], ["--detach"]])
def test_up_on_a_taken_port_fails_with_the_reason(tmp_path: Path, detach: list[str]) -> None:
    # GIVEN a port that another process uses
    with taken_port() as port:
        # WHEN an instance is started on this port, in the foreground or detached
        done = run("up", *detach, "--port", str(port), "--state-dir", str(tmp_path))

    # THEN the start fails with the reason, and leaves neither a lock nor the emulator's files
    assert done.returncode == 1
    assert f"Port {port} is taken" in done.stderr
    assert not StateDir(tmp_path).is_held
    assert not (tmp_path / "tmp").exists()


def test_wrong_configuration_is_refused_with_the_pulumi_programs_message(tmp_path: Path) -> None:
    # GIVEN a configuration value that the Pulumi program refuses
    # WHEN an instance is started with this value
    done = run("up", "--detach", "--state-dir", str(tmp_path), "-c", "max_receive_count=2")

    # THEN the Pulumi program's message is shown, without a traceback
    assert done.returncode == 1
    assert "orders:max_receive_count" in done.stderr
    assert "Traceback" not in done.stderr


def test_package_index_that_does_not_answer_is_reported(tmp_path: Path) -> None:
    # GIVEN a folder without the emulator's environment, and a package index on a closed port
    shutil.copy(ROOT / "requirements-emulator.txt", tmp_path)
    code = (
        "import sys; from pathlib import Path; from local.environment import ensure_environment\n"
        "from local.errors import LocalError\n"
        "try:\n    ensure_environment(lambda _: None, Path(sys.argv[1]))\n"
        "except LocalError as error:\n    sys.exit(str(error))"
    )
    closed = {"PIP_INDEX_URL": f"http://127.0.0.1:{closed_port()}/simple", "PIP_CONFIG_FILE": os.devnull}

    # WHEN the environment is created
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        cwd=ROOT,
        env={**os.environ, **closed, "PIP_EXTRA_INDEX_URL": "", "PIP_NO_INDEX": "", "PIP_FIND_LINKS": ""},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )

    # THEN the message reports that the index does not answer, and no partial environment is left
    assert done.returncode == 1
    assert "package index does not answer" in done.stderr
    assert not (tmp_path / ".build" / "emulator").exists()


def _full_disk(*_: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_the_message_says_what_helps_if_the_checkouts_disk_is_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN a checkout on a full disk
    shutil.copy(ROOT / "requirements-emulator.txt", tmp_path)
    monkeypatch.setattr(environment, "_make", _full_disk)

    # WHEN the environment is created
    with pytest.raises(NoSpaceError) as caught:
        ensure_environment(lambda _: None, tmp_path)

    # THEN the message names the environment's folder, and not the state folder, which may be on another disk
    assert str(tmp_path / ".build" / "emulator") in str(caught.value)
    assert "move this checkout" in str(caught.value)
    assert "--state-dir" not in str(caught.value)


def test_current_environment_is_not_created_again(tmp_path: Path) -> None:
    # GIVEN an environment whose fingerprint is current
    shutil.copy(ROOT / "requirements-emulator.txt", tmp_path)
    emulator = tmp_path / ".build" / "emulator"
    (emulator / "bin").mkdir(parents=True)
    (emulator / "bin" / "python").touch()
    from local.environment import _fingerprint

    (emulator / "requirements.sha256").write_text(_fingerprint(tmp_path / "requirements-emulator.txt"))
    notes: list[str] = []

    # WHEN a command needs this environment
    interpreter = ensure_environment(notes.append, tmp_path)

    # THEN it is used without a change
    assert interpreter == emulator / "bin" / "python"
    assert notes == []


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--service", "sqss", "--kind", "error"], "Did you mean sqs"),
        (["--service", "sqs", "--operation", "SendMesage", "--kind", "error"], "Did you mean SendMessage"),
        (["--service", "sqs", "--kind", "conflict"], "exists only for dynamodb"),
        (["--service", "xray", "--operation", "PutTraceSegments", "--kind", "error"], "REST"),
        (["--service", "sqs", "--kind", "error", "--probability", "0"], "--probability 0.0"),
        (["--service", "sqs", "--kind", "error", "--probability", "1.5"], "--probability 1.5"),
        (["--service", "sqs", "--kind", "error", "--count", "0"], "--count 0"),
        (["--service", "sqs", "--kind", "error", "--seconds", "-1"], "--seconds -1.0"),
        (["--service", "sqs", "--kind", "error", "--seconds", "nan"], "--seconds nan"),
        (["--service", "sqs", "--kind", "error", "--containing", ""], "--containing is empty"),
    ],
)
def test_fault_rule_with_a_mistake_is_refused(arguments: list[str], expected: str) -> None:
    # GIVEN a rule with a mistake in it
    options = parser().parse_args(["fault", "add", *arguments])

    # WHEN the rule is made
    with pytest.raises(LocalError) as caught:
        fault.make_rule(options)

    # THEN the message shows what is wrong, or suggests the right value
    assert expected in str(caught.value)


@pytest.mark.parametrize("pair", ["", "key", "=value"])
def test_override_without_key_or_equals_sign_is_refused(pair: str) -> None:
    # GIVEN a text that is not KEY=VALUE
    # WHEN it is parsed
    # THEN the message has an example
    with pytest.raises(LocalError, match="Example: -c"):
        up.parse_config([pair])


def test_override_may_contain_equals_signs() -> None:
    # GIVEN a value with an equals sign
    # WHEN it is parsed
    # THEN only the first equals sign separates key and value
    assert up.parse_config(['extra_tags=["a=b"]']) == {"extra_tags": '["a=b"]'}
