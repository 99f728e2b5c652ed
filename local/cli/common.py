"""Parts that the commands share."""

import argparse
import json
from typing import Any

from local.instance import STATE_VARIABLE, Outputs, StateDir
from local.services.aws import Aws
from pipeline.help import HelpFormatter


def add_command(commands: Any, name: str, summary: str, example: str, *, remark: str = "") -> argparse.ArgumentParser:
    """Add a command with the option `--state-dir`. The option's help ends with `remark`."""
    parser: argparse.ArgumentParser = commands.add_parser(
        name,
        help=summary,
        description=summary[0].upper() + summary[1:] + ".",
        epilog=f"example:\n  {example}",
        formatter_class=HelpFormatter,
    )
    parser.add_argument(
        "--state-dir",
        metavar="DIR",
        help=f"folder of the instance; each folder has its own instance "
        f"(default: ${STATE_VARIABLE}, else .local{remark and '; ' + remark})",
    )
    return parser


def add_json(parser: argparse.ArgumentParser) -> None:
    """Add the option `--json`."""
    parser.add_argument("--json", action="store_true", help="print JSON")


def state_dir(options: argparse.Namespace) -> StateDir:
    """Return the state folder that the options name."""
    return StateDir.chosen(options.state_dir)


def print_json(document: Any) -> None:
    """Print `document` as JSON."""
    print(json.dumps(document, indent=2, default=str))


def connect(outputs: Outputs) -> Aws:
    """Return AWS clients for a running instance."""
    return Aws(outputs.endpoint_url, outputs.region, outputs.keys, outputs.account_id)
