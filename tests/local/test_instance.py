"""Tests the lock of the state folder, and the files of its instance."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from local.errors import AlreadyRunningError, NotRunningError
from local.files import private_folder
from local.instance import ROOT, Instance, StateDir
from tests.local.factories import outputs

HOLDER = """
import sys, time
from pathlib import Path
from local.instance import StateDir
with StateDir(Path(sys.argv[1])).held():
    print("held", flush=True)
    sys.stdin.read()
"""


def instance(**overrides: object) -> Instance:
    values: dict[str, object] = {
        "supervisor_pid": os.getpid(),
        "guard_pid": 1,
        "emulator_pid": 1,
        "endpoint_url": "http://127.0.0.1:1",
        "proxy_url": "http://127.0.0.1:2",
        "page_url": "http://127.0.0.1:4/#key=k",
        "iam": False,
        "started_at": 0.0,
    }
    return Instance.model_validate(values | overrides)


def holder(folder: Path) -> "subprocess.Popen[str]":
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(folder)], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_the_error_for_a_folder_that_another_process_holds_says_how_to_stop_that_process(tmp_path: Path) -> None:
    # GIVEN a folder that a running process holds
    state = StateDir(tmp_path)
    with holder(tmp_path) as process:
        state.write_instance(instance(supervisor_pid=process.pid, endpoint_url="http://127.0.0.1:4566"))

        # WHEN a second process tries to hold it
        with pytest.raises(AlreadyRunningError) as caught, state.held():
            pass
        process.kill()

    # THEN the message names the holder's process and address, and the command to stop it
    assert "http://127.0.0.1:4566" in str(caught.value)
    assert str(process.pid) in str(caught.value)
    assert "python -m local down" in str(caught.value)
    assert "--state-dir" in str(caught.value)


def test_a_killed_holder_leaves_no_lock(tmp_path: Path) -> None:
    # GIVEN a folder whose holder was killed
    with holder(tmp_path) as process:
        assert StateDir(tmp_path).is_held
        process.kill()

    # WHEN a second process tries to hold it
    # THEN it succeeds
    assert not StateDir(tmp_path).is_held
    with StateDir(tmp_path).held():
        assert StateDir(tmp_path).is_held


def test_two_folders_are_independent(tmp_path: Path) -> None:
    # GIVEN one folder that is held
    # WHEN a process tries to hold another folder
    with StateDir(tmp_path / "a").held(), StateDir(tmp_path / "b").held():
        # THEN it succeeds
        assert StateDir(tmp_path / "b").is_held


def test_the_error_names_the_command_that_starts_an_instance_if_none_runs(tmp_path: Path) -> None:
    # GIVEN an empty folder
    # WHEN its instance is read
    with pytest.raises(NotRunningError) as caught:
        StateDir(tmp_path).running()

    # THEN the message has the command that starts an instance
    assert "python -m local up" in str(caught.value)


def test_the_files_of_a_killed_instance_are_ignored(tmp_path: Path) -> None:
    # GIVEN the files of an instance, in a folder that no process holds any more
    state = StateDir(tmp_path)
    state.write_instance(instance())

    # WHEN the instance is read
    # THEN no instance is found
    with pytest.raises(NotRunningError):
        state.running()


def test_starting_instance_has_no_outputs_yet(tmp_path: Path) -> None:
    # GIVEN an instance whose start has not finished
    state = StateDir(tmp_path)
    with state.held():
        state.write_instance(instance())

        # WHEN its outputs are read
        with pytest.raises(NotRunningError) as caught:
            state.read_outputs()

    # THEN the message reports that the instance is starting
    assert "still starting" in str(caught.value)


def test_outputs_contain_the_connection_and_the_stacks_outputs(tmp_path: Path) -> None:
    # GIVEN a ready instance
    state = StateDir(tmp_path)
    with state.held():
        state.write_instance(instance())
        state.write_outputs(outputs(), [])

        # WHEN its outputs are read
        read = state.read_outputs()

    # THEN they are complete, and only the user can read the instance's files
    assert read["api_url"] == "http://127.0.0.1:1/api"
    for file in (state.instance, state.outputs, state.resources):
        assert file.stat().st_mode & 0o077 == 0


def test_folder_comes_from_option_then_variable_then_repository(monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN the variable ORDERS_LOCAL_DIR
    monkeypatch.setenv("ORDERS_LOCAL_DIR", "/tmp/from-variable")  # noqa: S108 never used

    # WHEN the folder is chosen with and without the option
    # THEN the option wins over the variable, and the variable over the repository's folder
    assert StateDir.chosen("/tmp/given").path == Path("/tmp/given").resolve()  # noqa: S108 never used
    assert StateDir.chosen(None).path == Path("/tmp/from-variable").resolve()  # noqa: S108 never used
    monkeypatch.delenv("ORDERS_LOCAL_DIR")
    assert StateDir.chosen(None).path == ROOT / ".local"


def test_clean_removes_what_a_crash_left(tmp_path: Path) -> None:
    # GIVEN files that a crash left
    state = StateDir(tmp_path)
    (state.scratch / "ministack-lambda-x" / "code").mkdir(parents=True)
    state.write_instance(instance())
    state.outputs.write_text("{}")

    # WHEN the next instance cleans the folder
    state.clean()

    # THEN they are deleted
    assert not state.scratch.exists()
    assert not state.outputs.exists()
    assert state.read_instance() is None


def test_missing_parent_folders_are_created_private_too(tmp_path: Path) -> None:
    # GIVEN / WHEN the demo's folder is made, and no folder above it exists
    private_folder(tmp_path / ".local" / "demo")

    # THEN
    assert [(tmp_path / name).stat().st_mode & 0o777 for name in (".local", ".local/demo")] == [0o700, 0o700]
