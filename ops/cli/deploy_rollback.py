"""`deploy rollback`: makes callers use the versions from before the latest `deploy shift`, or those given by `--to`."""

import argparse
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from ops.cli.common import add_command, dry_run
from ops.cli.context import Context
from ops.deploy.fitness import refuse_unknown_resources, refuse_unreadable_messages
from ops.deploy.rollback import Step, carry_out, plan, read_functions
from ops.errors import ExitCode, RefusedError
from ops.logic.durations import WrongValueError


def register(actions: Any) -> None:
    """Add the command."""
    command = add_command(
        actions,
        "rollback",
        run_rollback,
        "send callers back to the versions before the latest shift, without gradual steps",
        "python -m ops deploy rollback --stack prod --yes",
        "`status` shows whether the rollback helped. The bad code is recorded: the next merge does not deploy it,\n"
        "  because `deploy shift` accepts this code only with --again. Revert the change in the code as well.",
        changes=True,
    )
    command.add_argument(
        "--to",
        action="append",
        default=[],
        metavar="FUNCTION=VERSION",
        help="send only this function's callers back, to this version, for example create_order=4; repeatable",
    )


def run_rollback(options: argparse.Namespace, context: Context) -> int:
    """Send callers back, or print what would happen."""
    shifting = context.target.gradual_deploy
    if shifting is None:
        raise RefusedError(
            "The option gradual_deploy of this stack is `none`: `pulumi up` itself moves all callers to new versions. "
            "To go back, deploy the older release (docs/delivery.md, Go back). Nothing was changed."
        )
    client = context.clients.lambda_
    functions = read_functions(client, shifting)
    steps = plan(client, functions, _chosen(options.to, tuple(shifting.functions)))
    now = datetime.fromtimestamp(context.clock.time(), UTC)
    refuse_unknown_resources(steps, context.target.resources)
    refuse_unreadable_messages(client, functions, steps, now - _retention(context))
    if options.yes:
        carry_out(client, steps, now)
    _report(context, steps, act=options.yes)
    if options.yes:
        context.next("python -m ops status")
    else:
        dry_run(context)
    return ExitCode.OK


def _chosen(given: Sequence[str], known: Sequence[str]) -> Mapping[str, int]:
    chosen = {}
    for text in given:
        key, _, version = text.partition("=")
        if key not in known or not version.isascii() or not version.isdigit():
            raise WrongValueError(
                f"--to {text}: allowed is FUNCTION=VERSION. FUNCTION is one of {', '.join(known)}; VERSION is a number."
            )
        chosen[key] = int(version)
    return chosen


def _retention(context: Context) -> timedelta:
    """Return how long a message can wait in the orders queue."""
    url = context.target.orders_queue_url
    answer = context.clients.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["MessageRetentionPeriod"])
    return timedelta(seconds=int(answer["Attributes"]["MessageRetentionPeriod"]))


def _report(context: Context, steps: Sequence[Step], *, act: bool) -> None:
    if context.as_json:
        functions = [
            {
                "key": each.function.key,
                "function": each.function.names.function,
                "from": each.function.current.number,
                "to": each.target.number,
                "changed_variables": each.changed_variables,
            }
            for each in steps
        ]
        context.print_json({"dry_run": not act, "functions": functions})
        return
    for each in steps:
        sent = "sent" if act else "would be sent"
        context.out.print_line(
            f"{each.function.key}: callers {sent} back from version {each.function.current.number} to "
            f"{each.target.number}"
        )
        if each.changed_variables:
            context.out.print_line(f"  environment variables that differ: {', '.join(each.changed_variables)}")
