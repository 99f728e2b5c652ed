"""`page`: shows who receives alarms, and sends a test page."""

import argparse
from typing import Any

from ops.cli.common import add_command, dry_run
from ops.cli.context import Context
from ops.errors import ExitCode, RefusedError
from ops.gateway.alarms import TIERS, Receiver, receivers_of, send_test_page
from ops.logic.durations import WrongValueError


def register(commands: Any) -> None:
    """Add the command."""
    page = add_command(
        commands,
        "page",
        run_page,
        "show who receives the alarms of a tier; with --test, send these receivers a page that says TEST",
        "python -m ops page --test --yes",
        "ask the person on call whether the test arrived.\n"
        "  The option alarm_TIER_subscriptions names the receivers (docs/options.md).",
        changes=True,
    )
    page.add_argument("--tier", default="page", choices=TIERS, help="tier of alarms (default: page)")
    page.add_argument(
        "--test",
        action="store_true",
        help="send the test: one message says that an alarm is raised, another that it has ended",
    )


def run_page(options: argparse.Namespace, context: Context) -> int:
    """Print the receivers of a tier, and send the test with `--test --yes`."""
    if options.yes and not options.test:
        raise WrongValueError("--yes without --test: there is nothing to do. Give both to send a test.")
    topic = context.target.alarm_topic_arns.get(options.tier)
    if topic is None:
        raise RefusedError(
            f"This stack has no topic for {options.tier} alarms, because its option `alarms` is off. Nothing was sent."
        )
    receivers = receivers_of(context.clients.sns, [topic])
    sent: list[str] = []
    if options.test and options.yes:
        sent = send_test_page(context.clients.sns, topic, context.target.prefix, context.clock)
    if context.as_json:
        views = [{"protocol": each.protocol, "confirmed": each.confirmed} for each in receivers]
        context.print_json({"dry_run": not options.yes, "topic": topic, "receivers": views, "sent": sent})
    else:
        _show(context, receivers, sent)
    if not any(each.confirmed for each in receivers):
        context.say(f"Nobody receives {options.tier} alarms: no subscription is confirmed.")
    if options.test and not options.yes:
        dry_run(context)
    elif not options.test:
        context.again("--test")
    return ExitCode.OK


def _show(context: Context, receivers: list[Receiver], sent: list[str]) -> None:
    rows = [(each.protocol, "confirmed" if each.confirmed else "not confirmed yet") for each in receivers]
    context.out.rows(("subscribed by", "state"), rows or [("nobody", "-")])
    for message_id in sent:
        context.out.print_line(f"sent: message {message_id}")
