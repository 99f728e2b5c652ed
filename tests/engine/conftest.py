"""The engine, and stacks deployed with it into accounts in memory."""

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
    """Makes a workspace with a stack that was never deployed, over an account."""

    def __call__(self, name: str, account: MemoryAccount, config: Mapping[str, str] | None = None) -> Workspace:
        """`config` (text, lists as JSON) makes the stack's file; without it the repository has one."""


@pytest.fixture(scope="session")
def tools(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that has to be in front on the PATH. Without an engine its tests fail: they were asked for."""
    return prepare(available(lambda _: None), tmp_path_factory.mktemp("tools"))


@pytest.fixture
def new_stack(tools: Path, tmp_path: Path) -> Iterator[NewStack]:
    """New stacks, and their providers for as long as the test runs."""
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
