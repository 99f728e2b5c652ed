"""`up`: start the embedded AWS and deploy the program to it."""

import argparse
import os
import signal
import sys
from typing import Any

from rich.console import Console
from rich.text import Text

from local.cli.common import add_command, add_json, print_json, state_dir
from local.cli.detach import start_detached
from local.cli.hints import print_hints
from local.errors import ExitCode, LocalError
from local.instance import StateDir
from local.progress import ConsoleReporter, PipeReporter
from local.supervisor import Supervisor, UpOptions, interrupt_on_signals

_DEFAULT_WORKERS = 3


def register(commands: Any) -> None:
    """Add the command."""
    parser = add_command(
        commands,
        "up",
        "start the embedded AWS on loopback and deploy the program to it; all state is in memory only",
        "python -m local up --detach --port 4566",
    )
    parser.add_argument("--detach", action="store_true", help="return when the instance is ready, and leave it running")
    parser.add_argument("--port", type=int, default=0, metavar="N", help="port of the AWS API (default: a free one)")
    parser.add_argument("--iam", action="store_true", help="enforce IAM: functions may do only what their roles allow")
    parser.add_argument(
        "--warm", type=int, default=_DEFAULT_WORKERS, metavar="N", help="workers to start per function (default: 3)"
    )
    parser.add_argument(
        "-c",
        "--config",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="override a value of Pulumi.local.yaml; repeatable",
    )
    parser.add_argument(
        "--engine",
        action="store_true",
        help="deploy with Pulumi's own engine (installed, or built with Go), so that `python -m local pulumi` can "
        "preview and deploy changes",
    )
    parser.add_argument("--ready-fd", type=int, help=argparse.SUPPRESS)
    add_json(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Start an instance. In the foreground it runs until Ctrl-C or `down`; detached it runs until `down`."""
    state = state_dir(options)
    config = parse_config(options.config)
    if not 0 <= options.port <= 65_535:
        raise LocalError(f"Port {options.port} is out of range. Give a port from 1 to 65535, or leave --port out.")
    if options.warm < 0:
        raise LocalError(f"--warm {options.warm}: give 0 or more.")
    if options.detach:
        return _detached(state, options)
    up = UpOptions(port=options.port, iam=options.iam, warm_workers=options.warm, engine=options.engine, config=config)
    interrupt_on_signals()
    return _supervise(state, up, options.ready_fd) if options.ready_fd else _foreground(state, up, options)


def parse_config(pairs: list[str]) -> dict[str, str]:
    """Return the values given with `-c KEY=VALUE`. Raises `LocalError` for any other form."""
    config = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not key or not equals:
            raise LocalError(f"-c {pair!r} is not KEY=VALUE. Example: -c retry_base_seconds=2.")
        config[key] = value
    return config


def _foreground(state: StateDir, up: UpOptions, options: argparse.Namespace) -> int:
    console = Console(stderr=True)
    reporter = ConsoleReporter(console)
    supervisor = Supervisor(state, up, reporter)
    try:
        with supervisor.run() as outputs:
            if options.json:
                print_json(outputs.model_dump())
            else:
                print_hints(console, outputs, state)
            sys.stdout.flush()
            console.print("Ctrl-C stops the instance.", style="dim")
            supervisor.watch()
    finally:
        reporter.close()
    return ExitCode.OK


def _supervise(state: StateDir, up: UpOptions, ready_fd: int) -> int:
    """Run in the detached process. Send the progress to the parent process until the instance is ready."""
    reporter = PipeReporter(os.fdopen(ready_fd, "w"))
    supervisor = Supervisor(state, up, reporter)
    try:
        with supervisor.run():
            reporter.ready()
            supervisor.watch()
    except LocalError as error:
        reporter.failed(str(error), error.exit_code)
        raise
    except BrokenPipeError:
        raise LocalError("The process that started this instance ended before the instance was ready.") from None
    return ExitCode.OK


def _detached(state: StateDir, options: argparse.Namespace) -> int:
    console = Console(stderr=True)
    reporter = ConsoleReporter(console)
    arguments = [
        *("--port", str(options.port)),
        *("--warm", str(options.warm)),
        *(["--iam"] if options.iam else []),
        *(["--engine"] if options.engine else []),
        *(part for pair in options.config for part in ("-c", pair)),
    ]
    # With this handler, SIGTERM raises KeyboardInterrupt, so that an interrupted start leaves no process.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        start_detached(state, arguments, reporter)
    finally:
        reporter.close()
    outputs = state.read_outputs()
    if options.json:
        print_json(outputs.model_dump())
    else:
        print_hints(console, outputs, state)
        stop = f"python -m local down{state.option}"
        console.print("Running in the background. Stop it:", Text(stop, "bold"), highlight=False, soft_wrap=True)
    return ExitCode.OK
