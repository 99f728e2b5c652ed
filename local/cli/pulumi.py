"""`pulumi`: run a command of Pulumi's on the running instance's stack."""

import argparse
import os
from typing import Any

from local.cli.common import add_command, state_dir
from local.engine.stack import engine_access


def register(commands: Any) -> None:
    """Add the command."""
    parser = add_command(
        commands,
        "pulumi",
        "run a `pulumi` command on the stack of an instance started with `up --engine`",
        "python -m local pulumi preview --diff",
    )
    parser.add_argument("arguments", nargs=argparse.REMAINDER, metavar="…", help="arguments for `pulumi`")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Become that command."""
    access = engine_access(state_dir(options))
    os.chdir(access.program)
    environment = {**os.environ, **access.environment}
    os.execvpe("pulumi", ["pulumi", *options.arguments], environment)  # noqa: S606, S607 - found in our own folder
