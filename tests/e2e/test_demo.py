"""Tests the demo with a new state folder, as at its first run."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from local.demo.account import wait_for
from local.instance import ROOT

pytestmark = [pytest.mark.e2e, pytest.mark.long]


def processes_in(folder: Path) -> list[str]:
    """Return the command lines of processes that name `folder` in their arguments or environment."""
    listing = subprocess.run(["ps", "eww", "-A", "-o", "args="], capture_output=True, text=True, check=True).stdout
    return [line for line in listing.splitlines() if str(folder) in line and not line.startswith("ps ")]


def test_demo_succeeds_and_checks_every_guarantee(tmp_path: Path) -> None:
    # GIVEN a folder that does not exist yet
    state = tmp_path / "demo"
    command = [sys.executable, "-m", "local", "demo", "--json", "--state-dir", str(state)]

    # WHEN the demo is run in it
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=240, check=False)

    # THEN every check succeeds, and the demo reports this
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["ok"] is True
    assert [guarantee["name"] for guarantee in report["guarantees"]] == ["G1", "G2", "G3", "G4", "G5", "G6"]
    assert all(check["ok"] for chapter in report["chapters"] for check in chapter["checks"])
    assert "Everything holds" in done.stderr

    # AND the demo leaves no process and no temporary file
    assert processes_in(state) == []
    assert not (state / "tmp").exists()


@pytest.mark.parametrize("moment", ["An order is accepted", "x at once: POST"])
def test_an_interrupted_demo_leaves_no_process_and_no_temporary_file(tmp_path: Path, moment: str) -> None:
    # GIVEN a running demo; in the second case, many of its requests wait for an answer
    state = tmp_path / "demo"
    command = [sys.executable, "-m", "local", "demo", "--state-dir", str(state)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout
        for line in process.stdout:
            if moment in line:
                break

        # WHEN Ctrl-C is pressed
        process.send_signal(signal.SIGINT)
        answered = any("Stopping" in line for line in process.stdout)
        _, errors = process.communicate(timeout=20)

    # THEN the demo reports that it stops, and ends soon with the exit code for Ctrl-C and no traceback. It leaves no
    # process and no temporary file
    assert answered
    assert process.returncode == 130
    assert "Traceback" not in errors
    wait_for("the demo's processes to end", lambda: not processes_in(state), 10)
    assert not (state / "tmp").exists()
