"""Deploys the program with Pulumi's engine instead of the mock monitor. Then `pulumi` commands can use the stack.

The engine needs an AWS provider. While the local instance runs, a stand-in provider runs too, and
applies the engine's changes to the embedded AWS. So you can preview and update the stack from any
terminal (`python -m local pulumi preview --diff`).
"""

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict

from local.deploy.monitor import Deployed
from local.deploy.program import Deployment
from local.engine import EngineBuildError, EngineUnavailableError, available
from local.engine.path import prepare
from local.engine.program import entries, link_environment
from local.engine.provider.embedded import EmbeddedAccount
from local.engine.provider.server import serving
from local.engine.workspace import Workspace
from local.errors import LocalError, NotRunningError
from local.files import write_atomically
from local.instance import ROOT, StateDir
from local.services.aws import Aws
from pipeline.config.stack_file import StackSettings

_STACK_TYPES = ("pulumi:pulumi:Stack", "pulumi:providers:aws")


class EngineAccess(BaseModel):
    """The working directory and environment variables for `pulumi` on the instance's stack."""

    model_config = ConfigDict(frozen=True)

    program: Path
    environment: Mapping[str, str]


@contextmanager
def engine_stack(
    state: StateDir, aws: Aws, settings: StackSettings, note: Callable[[str], None]
) -> Iterator[Deployment]:
    """Deploy the stack with the engine. Inside the block, further `pulumi` commands can use the stack.

    Raises `LocalError` when no engine is available or a `pulumi` command fails. The message says why.
    """
    folder = state.engine
    shutil.rmtree(folder, ignore_errors=True)
    try:
        tools = prepare(available(note))
    except (EngineUnavailableError, EngineBuildError) as error:
        message = f"--engine needs Pulumi's engine. {error}\nWithout --engine, `up` needs no `pulumi`."
        raise LocalError(message) from error
    program = _program(folder / "program", settings)
    try:
        with serving(EmbeddedAccount(aws, ROOT)) as port:
            workspace = Workspace(tools, program, folder, port, settings.stack)
            workspace.create()
            note("pulumi up")
            done = workspace.up()
            if done.code:
                raise LocalError(f"`pulumi up` ended with code {done.code}:\n{done.output}")
            access = EngineAccess(program=program, environment=workspace.environment)
            write_atomically(_access_file(state), access.model_dump_json(indent=2))
            yield Deployment(workspace.outputs(), tuple(_resources(json.loads(workspace.exported()))))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def engine_access(state: StateDir) -> EngineAccess:
    """Return access to the running instance's stack. Raises `NotRunningError` if no instance runs with the engine."""
    state.running()
    try:
        return EngineAccess.model_validate_json(_access_file(state).read_text())
    except FileNotFoundError:
        raise NotRunningError(
            f"The instance in {state.path} is still starting, or was started without the engine. To use the engine: "
            f"python -m local down{state.option}, then python -m local up --engine{state.option}."
        ) from None


def deployed_now(access: EngineAccess) -> Deployment:
    """Return the stack's outputs and resources from its state. Raises `LocalError` when the state cannot be read."""

    def printed(*arguments: str) -> Any:
        done = subprocess.run(
            ["pulumi", "stack", *arguments],  # noqa: S607 - `access.environment` has the PATH
            cwd=access.program,
            env={**os.environ, **access.environment},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise LocalError(f"The stack's state cannot be read: {done.stderr.strip()}")
        return json.loads(done.stdout)

    return Deployment(printed("output", "--json", "--show-secrets"), tuple(_resources(printed("export"))))


def _access_file(state: StateDir) -> Path:
    return state.engine / "access.json"


def _program(folder: Path, settings: StackSettings) -> Path:
    """Make a folder with links to the program. Only the stack file is a new file, because the engine writes into it."""
    folder.mkdir(parents=True)
    for path in entries():
        (folder / path.name).symlink_to(path)
    link_environment(folder)
    config = {key: _value(text) for key, text in settings.config.items()}
    (folder / f"Pulumi.{settings.stack}.yaml").write_text(yaml.safe_dump({"config": config}))
    return folder


def _value(text: str) -> Any:
    """Parse lists and maps, which are JSON text in the settings; return any other value as text."""
    return json.loads(text) if text[:1] in ("[", "{") else text


def _resources(exported: Mapping[str, Any]) -> Iterator[Deployed]:
    for each in exported["deployment"]["resources"]:
        if each["custom"] and each["type"] not in _STACK_TYPES:
            yield Deployed(each["urn"], each["type"], each["urn"].rsplit("::", 1)[1], each["id"], each["outputs"])
