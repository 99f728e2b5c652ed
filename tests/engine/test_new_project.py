"""Tests `pulumi new` with this repository as the template: a project with another name works."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from lab.preview.memory_account import MemoryAccount
from lab.preview.programs import NO_BYTECODE
from local.engine.path import ROOT
from local.engine.program import link_environment
from local.engine.provider.server import serving
from local.engine.workspace import Workspace

pytestmark = pytest.mark.engine

# Files and folders that Git does not track.
UNTRACKED = shutil.ignore_patterns(".git", ".venv", ".build", ".local", ".*_cache", "__pycache__", ".hypothesis")


@pytest.fixture
def shop(tools: Path, tmp_path: Path) -> Workspace:
    """Make a project with another name by `pulumi new`. Nothing is deployed."""
    template = Path(shutil.copytree(ROOT, tmp_path / "template", ignore=UNTRACKED))
    program = tmp_path / "shop"
    with serving(MemoryAccount()) as port:
        workspace = Workspace(tools, program, tmp_path / "state", port, "dev", overrides=NO_BYTECODE)
        program.mkdir()
        workspace.backend.mkdir(parents=True)
        workspace.checked("new", str(template), "--name", "shop", "--description", "A shop", "--generate-only", "--yes")
    link_environment(program)
    return workspace


def test_a_project_with_another_name_passes_the_policies(shop: Workspace) -> None:
    # GIVEN a new project
    with serving(MemoryAccount()) as port:
        workspace = Workspace(shop.tools, shop.program, shop.state, port, "dev", overrides=NO_BYTECODE)
        # WHEN its stack is created, one option is set, and the stack is previewed
        workspace.checked("stack", "init", "dev")
        workspace.checked("config", "set", "--stack", "dev", "batch_size", "5")
        done = workspace.preview(f"--policy-pack={shop.program / 'policy'}")
    # THEN the policies pass, and the functions' names begin with the project's name
    assert done.code == 0, done.output
    assert "orders@v1.0.0" in done.output
    named = [event["resourcePreEvent"]["metadata"] for event in done.events if "resourcePreEvent" in event]
    functions = [each["new"]["inputs"]["name"] for each in named if each["type"] == "aws:lambda/function:Function"]
    assert functions
    assert all(name.startswith("shop-dev-") for name in functions)


def test_a_project_with_another_name_runs_locally(shop: Workspace, tmp_path: Path) -> None:
    # GIVEN a new project
    def run(*arguments: str) -> str:
        command = [sys.executable, "-m", *arguments]
        done = subprocess.run(command, cwd=shop.program, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{arguments}: {done.stdout}{done.stderr}"
        return done.stdout

    # WHEN its local stack is started, and its status is read
    run("local", "up", "--detach", "--state-dir", str(tmp_path / "up"), "--warm", "0")
    try:
        status = json.loads(run("ops", "status", "--local", "--state-dir", str(tmp_path / "up"), "--json"))
    finally:
        run("local", "down", "--state-dir", str(tmp_path / "up"))
    # THEN the status is shown, and the project's tests of names and configuration pass
    assert status
    run(
        "pytest", "-q", "-p", "no:cacheprovider", "tests/infra", "-m", "not long and not engine", "-k", "name or config"
    )
