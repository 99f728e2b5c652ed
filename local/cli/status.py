"""`status`: show the running instance."""

import argparse
import json
import time
from collections.abc import Iterator, Mapping
from typing import Any, Final

from rich.console import Console

from local.cli.common import add_command, add_json, print_json, state_dir
from local.control import Control
from local.errors import ExitCode
from local.instance import Instance, StateDir
from local.workers import worker_processes

_KEYS: Final = ("aws_access_key_id", "aws_secret_access_key")
_SECRETS: Final = ("token_client_secrets",)


def register(commands: Any) -> None:
    """Add the command."""
    parser = add_command(
        commands, "status", "show whether the instance runs, and where", "python -m local status --json"
    )
    add_json(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print the status. If no instance is running, the exit code is 4."""
    state = state_dir(options)
    status = describe(state, state.running())
    if options.json:
        print_json(status)
        return ExitCode.OK
    console = Console(highlight=False)
    for line in lines(status):
        # No line is cut or wrapped, because people copy the addresses.
        console.print(line, markup=False, soft_wrap=True)
    return ExitCode.OK


def lines(status: Mapping[str, Any]) -> Iterator[str]:
    """Yield the lines for a person. They hide the AWS keys and the clients' secrets, and name the file that has them.

    The page's address is printed with the page's key, because the page does not open without its key.
    """
    outputs = status["outputs"]
    hidden = f"in {status['state_dir']}/outputs.json"
    own = {name: value for name, value in status.items() if name != "outputs"}
    stack = {
        name: hidden if name in _SECRETS else value for name, value in outputs.items() if name not in {*own, *_KEYS}
    }
    if any(name in outputs for name in _KEYS):
        own["keys"] = hidden
    width = max(len(name) for name in (*own, *stack))
    for part in (own, stack):
        yield from (f"{name:{width}}  {_shown(value)}" for name, value in part.items())


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, default=str)


def describe(state: StateDir, instance: Instance) -> dict[str, Any]:
    """Return the status of a running instance, as `--json` prints it: with the keys and secrets, for scripts."""
    outputs = json.loads(state.outputs.read_text()) if state.outputs.exists() else {}
    resources = json.loads(state.resources.read_text()) if state.resources.exists() else []
    return {
        "state": "ready" if instance.ready else "starting",
        "endpoint_url": instance.endpoint_url,
        "proxy_url": instance.proxy_url,
        "page_url": instance.page_url,
        "iam": instance.iam,
        "state_dir": str(state.path),
        "supervisor_pid": instance.supervisor_pid,
        "emulator_pid": instance.emulator_pid,
        "uptime_seconds": round(time.time() - instance.started_at),
        "workers": len(worker_processes(instance)),
        "faults": len(Control(instance).faults()),
        "resources": len(resources),
        "outputs": outputs,
    }
