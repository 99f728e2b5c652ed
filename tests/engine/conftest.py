"""The engine, and stacks deployed with it into accounts in memory."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.engine.memory_account import MemoryAccount
from tests.engine.programs import NO_BYTECODE, copy_program, copy_workspace
from tools.engine import available
from tools.engine.path import prepare
from tools.engine.workspace import Workspace
from tools.provider.server import serving

Deployed = tuple[Workspace, MemoryAccount]
NewStack = Callable[[str, MemoryAccount], Workspace]


@pytest.fixture(scope="session")
def tools(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that has to be in front on the PATH. Without an engine its tests fail: they were asked for."""
    return prepare(available(lambda _: None), tmp_path_factory.mktemp("tools"))


@pytest.fixture
def new_stack(tools: Path, tmp_path: Path) -> Iterator[NewStack]:
    """Makes a workspace with a stack that was never deployed, over an account."""
    with ExitStack() as stack:

        def make(name: str, account: MemoryAccount) -> Workspace:
            port = stack.enter_context(serving(account))
            program = copy_program(tmp_path / name / "program")
            workspace = Workspace(tools, program, tmp_path / name / "state", port, name, overrides=NO_BYTECODE)
            workspace.create()
            return workspace

        yield make


@pytest.fixture(scope="session")
def deployed_dev(tools: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    """The dev stack, deployed once. Not for tests: `dev` gives them a copy."""
    folder, account = tmp_path_factory.mktemp("dev"), MemoryAccount()
    with serving(account) as port:
        workspace = Workspace(
            tools, copy_program(folder / "program"), folder / "state", port, "dev", overrides=NO_BYTECODE
        )
        workspace.create()
        done = workspace.up()
        assert done.code == 0, done.output
        yield workspace, account


@pytest.fixture
def dev(deployed_dev: Deployed, tmp_path: Path) -> Iterator[Deployed]:
    """The deployed dev stack with its account; what a test does to them, no other sees."""
    workspace, account = deployed_dev
    copied = account.copy()
    with serving(copied) as port:
        yield copy_workspace(workspace, tmp_path / "dev", port), copied
