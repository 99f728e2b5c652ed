"""The engine, and stacks that it deploys into accounts in memory."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Protocol

import pytest

from lab.preview.memory_account import MemoryAccount
from lab.preview.programs import NO_BYTECODE, copy_program, copy_workspace, write_stack_file
from local.engine import available
from local.engine.path import prepare
from local.engine.provider.server import serving
from local.engine.workspace import Workspace

Deployed = tuple[Workspace, MemoryAccount]


class NewStack(Protocol):
    """Makes a workspace with a new stack. An `up` of this stack deploys into the given account."""

    def __call__(self, name: str, account: MemoryAccount, config: Mapping[str, str] | None = None) -> Workspace:
        """Write the stack's file from `config` (lists as JSON). Without `config`, the repository's file is used."""


@pytest.fixture(scope="session")
def tools(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder that must come first on the PATH. If there is no engine, every test that needs it fails."""
    return prepare(available(lambda _: None), tmp_path_factory.mktemp("tools"))


@pytest.fixture
def new_stack(tools: Path, tmp_path: Path) -> Iterator[NewStack]:
    """Return a factory of new stacks. Their providers run until the test ends."""
    with ExitStack() as stack:

        def make(name: str, account: MemoryAccount, config: Mapping[str, str] | None = None) -> Workspace:
            port = stack.enter_context(serving(account))
            program = copy_program(tmp_path / name / "program")
            if config:
                write_stack_file(program, name, config)
            workspace = Workspace(tools, program, tmp_path / name / "state", port, name, overrides=NO_BYTECODE)
            workspace.create()
            return workspace

        yield make


@pytest.fixture(scope="session")
def deployed_dev(tools: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    """Deploy the dev stack once. Tests do not use it directly: `dev` gives them a copy."""
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
    """Return a copy of the deployed dev stack and its account, so that no test sees another test's changes."""
    workspace, account = deployed_dev
    copied = account.copy()
    with serving(copied) as port:
        yield copy_workspace(workspace, tmp_path / "dev", port), copied
