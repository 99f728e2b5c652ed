"""Tests the local stack with unusual environment variables, killed processes, an interrupted start and a full disk."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from local.cli.main import main
from local.client import LocalStack
from local.errors import LocalError
from local.instance import ROOT
from tests.machine.settings import PROXIES, broken_aws_settings

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    with LocalStack.started(tmp_path_factory.mktemp("stack"), warm_workers=1) as stack:
        yield stack


def call(stack: LocalStack, method: str, path: str, key: str = "", body: object = None) -> tuple[int, Any]:
    url = urlsplit(stack.outputs["api_url"])
    connection = HTTPConnection(url.hostname or "", url.port, timeout=60)
    headers = {"Content-Type": "application/json", "Idempotency-Key": key} if key else {}
    try:
        connection.request(method, url.path + path, json.dumps(body) if body else None, headers)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def wait_for(condition: Callable[[], object], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the condition did not become true in time"
        time.sleep(0.1)


def processes_of(group: int) -> list[str]:
    listing = subprocess.run(["ps", "-A", "-o", "pgid=,stat=,args="], capture_output=True, text=True, check=True).stdout
    rows = [line.split(maxsplit=2) for line in listing.splitlines()]
    return [row[-1] for row in rows if int(row[0]) == group and not row[1].startswith("Z")]


def all_processes(stack: LocalStack) -> list[str]:
    ours = (stack.instance.supervisor_pid, stack.instance.guard_pid, stack.instance.emulator_pid)
    return [process for group in ours for process in processes_of(group)]


@pytest.mark.long
@pytest.mark.usefixtures("stack")
def test_proxy_and_aws_settings_of_the_machine_have_no_effect(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN a machine with a proxy that does not answer, and with invalid AWS settings
    for settings in (PROXIES, *broken_aws_settings(tmp_path).values()):
        for name, value in settings.items():
            monkeypatch.setenv(name, value)

    # WHEN an instance is started, used by `ops` and `local` commands, and stopped
    started = LocalStack.start(tmp_path / "started", warm_workers=0)
    try:
        where = ["--state-dir", str(started.state.path)]
        commands = [
            ["ops", "status", "--local", *where],
            ["ops", "stock", "add", "SKU-1", "5", "--new", "--local", *where, "--yes"],
            ["ops", "smoke", "--local", *where, "--yes"],
            ["local", "status", *where],
            ["local", "fault", "add", "--service", "sqs", "--operation", "SendMessage", "--kind", "error", *where],
            ["local", "logs", *where],
        ]
        done = [
            subprocess.run([sys.executable, "-m", *each], cwd=ROOT, capture_output=True, text=True, check=False)
            for each in commands
        ]
    finally:
        started.stop()

    # THEN every command succeeds
    assert {" ".join(each.args[2:4]): each.stderr for each in done if each.returncode} == {}


@pytest.mark.long
@pytest.mark.parametrize("victim", ["emulator_pid", "supervisor_pid"])
def test_a_killed_instance_leaves_no_process_and_does_not_affect_another_instance(
    stack: LocalStack, tmp_path: Path, victim: str
) -> None:
    # GIVEN a second instance beside the first
    other = LocalStack.start(tmp_path / "other", warm_workers=1)
    instance = other.instance
    assert len(all_processes(other)) >= 3 + 3

    # WHEN a process of the second instance is killed
    os.kill(getattr(instance, victim), signal.SIGKILL)

    # THEN within 10 s, no process of the second instance is left
    wait_for(lambda: all_processes(other) == [], seconds=10)

    # THEN `down` removes the second instance's files except the logs and the lock, and the first instance still answers
    assert main(["down", "--state-dir", str(other.state.path)]) == 0
    assert not other.state.scratch.exists()
    assert sorted(path.name for path in other.state.path.iterdir()) == ["emulator.log", "lock", "supervisor.log"]
    assert call(stack, "GET", "/orders/00000000-0000-5000-8000-000000000000")[0] == 404


def test_interrupted_start_leaves_no_process(tmp_path: Path) -> None:
    # GIVEN an instance that is starting
    command = [sys.executable, "-m", "local", "up", "--state-dir", str(tmp_path)]
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)
    wait_for((tmp_path / "instance.json").exists)
    instance = json.loads((tmp_path / "instance.json").read_text())

    # WHEN Ctrl-C is pressed
    process.send_signal(signal.SIGINT)
    _, output = process.communicate(timeout=20)

    # THEN the process ends with the exit code for Ctrl-C, and every process that it started ends, too
    assert process.returncode == 130
    assert "Stopped." in output
    assert "Traceback" not in output
    assert processes_of(instance["emulator_pid"]) + processes_of(instance["guard_pid"]) == []
    assert not (tmp_path / "tmp").exists()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "small"
    folder.mkdir()
    mount = shutil.which("mount")
    options = ["-t", "tmpfs", "-o", "size=80m", "tmpfs", str(folder)]
    if mount is None or subprocess.run([mount, *options], check=False, capture_output=True).returncode:
        pytest.skip("the test mounts a small tmpfs, which only root on Linux can do")
    yield folder
    with suppress(subprocess.CalledProcessError):
        subprocess.run(["umount", str(folder)], check=True)


def test_the_error_for_a_full_disk_names_the_option_for_another_folder(small_disk: Path) -> None:
    # GIVEN a state folder on a disk that is too small for the workers' code
    # WHEN an instance is started there
    with pytest.raises(LocalError) as caught:
        LocalStack.start(small_disk, warm_workers=5)

    # THEN the message names the folder and the option
    assert "No space left" in str(caught.value)
    assert str(small_disk) in str(caught.value)
    assert "--state-dir" in str(caught.value)
