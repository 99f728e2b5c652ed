"""`smoke`: sends one order through a deployed stack."""

import argparse
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any, Final

from ops.cli.common import add_command, dry_run
from ops.cli.context import Context
from ops.errors import ExitCode, NoStackError
from ops.logic.durations import WrongValueError, parse_duration
from ops.smoke.steps import Outcome, Smoke, Step
from ops.smoke.token import token_for
from runtime.models.fields import TEST_CURRENCY

_STAYS: Final = "the accepted orders, and their idempotency records until these expire; no resource was created"


def register(commands: Any) -> None:
    """Add the command."""
    smoke = add_command(
        commands,
        "smoke",
        run,
        "order an article that does not exist, and follow the order to its event",
        "python -m ops smoke --stack prod --yes",
        "exit code 1: a step failed. If a deployment caused it: python -m ops deploy rollback.",
        changes=True,
    )
    smoke.add_argument("--confirm", metavar="SKU", help="also order one unit of this article")
    smoke.add_argument("--token", metavar="TOKEN", help="send this bearer token; - reads it from standard input")
    smoke.add_argument(
        "--timeout",
        default="2m",
        metavar="TIME",
        help="longest time for a request including its repetitions, and for each wait for the worker (default: 2m)",
    )


def run(options: argparse.Namespace, context: Context) -> int:
    """Place the order and follow it, or print what would be ordered."""
    timeout = parse_duration(options.timeout)
    if timeout < 1:
        raise WrongValueError(f"--timeout {options.timeout}: allowed is 1s or more.")
    if context.target.api_url is None:
        raise NoStackError("These outputs have no api_url. Read them again: pulumi stack output --json.")
    if not options.yes:
        if context.as_json:
            context.print_json(
                {**_about(options, context), "api_url": context.target.api_url, "confirm": options.confirm}
            )
        taken = f", and one unit of {options.confirm}" if options.confirm else ""
        context.say(
            f"Would order an article that does not exist{taken}, in currency {TEST_CURRENCY}, "
            f"at {context.target.api_url}."
        )
        dry_run(context)
        return ExitCode.OK
    token = token_for(context.choice, options.token)
    smoke = Smoke(context.target.api_url, token, context.orders, timeout, options.confirm)
    at = datetime.fromtimestamp(context.clock.time(), UTC)
    steps = _run(smoke, context)
    passed = all(step.outcome is Outcome.OK for step in steps)
    if context.as_json:
        context.print_json(
            {
                **_about(options, context),
                "at": at.isoformat(timespec="seconds"),
                "passed": passed,
                "order_id": smoke.order_id or None,
                "correlation_id": f"smoke-{smoke.run_id}",
                "steps": [asdict(step) for step in steps],
            }
        )
    else:
        _show(context, steps, at, smoke)
    return ExitCode.OK if passed else ExitCode.FAILED


def _about(options: argparse.Namespace, context: Context) -> dict[str, Any]:
    return {"dry_run": not options.yes, "stack": context.target.prefix, "region": context.target.region}


def _run(smoke: Smoke, context: Context) -> list[Step]:
    found = []
    with context.err.status("smoke test") as status:
        for step in smoke.steps():
            status.update(f"smoke test: {step.name}")
            found.append(replace(step, detail=context.completed(step.detail)))
    return found


def _show(context: Context, steps: list[Step], at: datetime, smoke: Smoke) -> None:
    context.heading(f"smoke test of {context.target.prefix} ({context.target.region}), {at:%Y-%m-%d %H:%M:%S} UTC")
    rows = [
        (step.name, step.outcome, "" if step.outcome is Outcome.SKIPPED else str(step.milliseconds), step.detail)
        for step in steps
    ]
    context.out.rows(("step", "outcome", "ms", "detail"), rows, {"step", "outcome", "ms"})
    context.out.print_line(f"correlation id: smoke-{smoke.run_id}")
    context.say(f"left behind: {_STAYS}.")
