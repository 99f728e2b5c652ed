"""`pulumi`: run a `pulumi` command on the running instance's stack."""

import argparse
import os
import subprocess
from contextlib import suppress
from dataclasses import asdict
from typing import Any, Final

from local.cli.common import add_command, state_dir
from local.engine.stack import deployed_now, engine_access
from local.instance import Outputs

_CHANGING: Final = {"up", "destroy", "refresh", "import"}


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
    """Run the `pulumi` command. If it changes the stack, write the new outputs and resources to the state folder."""
    state = state_dir(options)
    access = engine_access(state)
    command = subprocess.Popen(
        ["pulumi", *options.arguments],  # noqa: S607 - `access.environment` has the PATH
        cwd=access.program,
        env={**os.environ, **access.environment},
    )
    code = None
    while code is None:
        # Ctrl-C also reaches `pulumi`, which then ends by itself.
        with suppress(KeyboardInterrupt):
            code = command.wait()
    if _CHANGING & set(options.arguments):
        deployment = deployed_now(access)
        known = state.read_outputs()
        own = {name: getattr(known, name) for name in type(known).model_fields}
        state.write_outputs(Outputs(**own, **deployment.outputs), [asdict(each) for each in deployment.resources])
    return code
