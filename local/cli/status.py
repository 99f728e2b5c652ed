"""`status`: what is running."""

import argparse
import json
import time
from typing import Any

from rich.console import Console
from rich.table import Table

from local.cli.common import add_command, add_json, print_json, state_dir
from local.control import Control
from local.errors import ExitCode
from local.instance import Instance, StateDir
from local.workers import worker_processes


def register(commands: Any) -> None:
    """Add the command."""
    parser = add_command(
        commands, "status", "show whether the instance runs, and where", "python -m local status --json"
    )
    add_json(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print it; exit code 4 when nothing runs."""
    state = state_dir(options)
    status = describe(state, state.running())
    if options.json:
        print_json(status)
        return ExitCode.OK
    table = Table(show_header=False, box=None)
    for name, value in status.items():
        if not isinstance(value, dict):
            table.add_row(name, str(value))
    for name, value in status["outputs"].items():
        table.add_row(f"[dim]{name}[/dim]", str(value))
    Console().print(table)
    return ExitCode.OK


def describe(state: StateDir, instance: Instance) -> dict[str, Any]:
    """What is known about a running instance."""
    outputs = json.loads(state.outputs.read_text()) if state.outputs.exists() else {}
    resources = json.loads(state.resources.read_text()) if state.resources.exists() else []
    return {
        "state": "ready" if instance.ready else "starting",
        "endpoint_url": instance.endpoint_url,
        "proxy_url": instance.proxy_url,
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
