"""`mute`: turns off the notifications of alarms during planned work."""

import argparse
from typing import Any, Final

from ops.cli.common import add_command, add_decision, add_group, dry_run
from ops.cli.context import Context
from ops.errors import ExitCode, RefusedError
from ops.gateway.alarms import alarms_of
from ops.gateway.mutes import Mute
from ops.logic.decision import Decision
from ops.logic.durations import WrongValueError, parse_duration, show_duration

_LEAST_SECONDS: Final = 60
_MOST_SECONDS: Final = 15 * 86_400


def register(commands: Any) -> None:
    """Add the commands."""
    actions = add_group(
        commands,
        "mute",
        "turn off the notifications of alarms during planned work",
        "python -m ops mute list",
        "`mute on` before the work, `mute off` after it. CloudWatch still changes the alarms' states;\n"
        "  `status` shows them.",
    )
    add_command(
        actions,
        "list",
        run_list,
        "show what is muted, until when, by whom",
        "python -m ops mute list",
        "when the work is done: `mute off`.",
    )
    on = add_command(
        actions,
        "on",
        run_on,
        "mute the stack's alarms from the next minute on",
        "python -m ops mute on --for 2h --by Ada --reason 'table restore' --yes",
        "the muting ends by itself. To end it earlier: `mute off`. When the muting ends, each alarm that is still\n"
        "  raised sends its notification.",
        changes=True,
    )
    on.add_argument("--for", dest="duration", required=True, metavar="TIME", help="how long: 1m to 15d")
    on.add_argument("--alarm", action="append", metavar="NAME", help="only this alarm; repeatable")
    add_decision(on, "kept in the mute rule's description, which `status` shows")
    add_command(
        actions,
        "off",
        run_off,
        "end the muting that `mute on` began",
        "python -m ops mute off --yes",
        "`status` shows which alarms are raised.",
        changes=True,
    )


def run_list(options: argparse.Namespace, context: Context) -> int:
    """Print the mute rules."""
    del options
    mutes = context.mutes.of(_notifying_alarms(context))
    if context.as_json:
        context.print_json([_view(mute) for mute in mutes])
    else:
        _show(context, mutes)
    context.say(f"mute rules: {len(mutes)}")
    return ExitCode.OK


def run_on(options: argparse.Namespace, context: Context) -> int:
    """Mute alarms, or print which would be muted."""
    seconds = parse_duration(options.duration)
    if not _LEAST_SECONDS <= seconds <= _MOST_SECONDS:
        raise WrongValueError(f"--for {options.duration}: CloudWatch mutes for 1m to 15d.")
    decision = Decision.of(options.by, options.reason)
    notifying = _notifying_alarms(context)
    wanted = [_full_name(name, context, notifying) for name in options.alarm or ()] or notifying
    if not wanted:
        raise RefusedError("This stack has no alarm that notifies anybody, so nothing can be muted.")
    mutes = context.mutes.begin(wanted, seconds, decision) if options.yes else []
    if context.as_json:
        views = [_view(mute) for mute in mutes]
        context.print_json({"dry_run": not options.yes, "alarms": wanted, "seconds": seconds, "rules": views})
    elif options.yes:
        _show(context, mutes)
    else:
        context.out.print_line(f"would mute for {show_duration(seconds)}: {', '.join(wanted)}")
    if options.yes:
        context.next("python -m ops mute off --yes")
    else:
        dry_run(context)
    return ExitCode.OK


def run_off(options: argparse.Namespace, context: Context) -> int:
    """End the rules that `mute on` created, or print which would be ended."""
    mutes = context.mutes.of(_notifying_alarms(context))
    ours = [mute for mute in mutes if mute.ours]
    for mute in ours if options.yes else ():
        context.mutes.end(mute)
    if context.as_json:
        context.print_json({"dry_run": not options.yes, "ended": [mute.name for mute in ours]})
    else:
        for mute in ours:
            context.out.print_line(f"{'ended' if options.yes else 'would end'} {mute.name}, {mute.text}")
    for mute in mutes:
        if not mute.ours:
            context.say(
                f"not ended: {mute.name}, because `mute on` did not create it. To delete it: "
                "aws cloudwatch delete-alarm-mute-rule"
            )
    if not options.yes:
        dry_run(context)
    return ExitCode.OK


def _notifying_alarms(context: Context) -> list[str]:
    """Return the names of the alarms that notify somebody directly, not through a composite alarm."""
    target = context.target
    alarms = alarms_of(context.clients.cloudwatch, target.prefix, target.alarm_topic_arns)
    return [alarm.name for alarm in alarms if alarm.notifies]


def _full_name(name: str, context: Context, notifying: list[str]) -> str:
    for each in (name, f"{context.target.prefix}-{name}"):
        if each in notifying:
            return each
    raise RefusedError(
        f"--alarm {name}: this stack has no such alarm that notifies somebody directly; "
        f"allowed: {', '.join(notifying) or 'none'}."
    )


def _view(mute: Mute) -> dict[str, Any]:
    return {
        "name": mute.name,
        "alarms": list(mute.alarms),
        "active": mute.active,
        "until": None if mute.until is None else mute.until.isoformat(),
        "text": mute.text,
        "ours": mute.ours,
    }


def _show(context: Context, mutes: list[Mute]) -> None:
    for mute in mutes:
        until = "without an expiry date" if mute.until is None else f"until {mute.until:%Y-%m-%d %H:%M} UTC"
        state = "now" if mute.active else "scheduled"
        about = ", ".join(filter(None, (state, until, mute.text)))
        context.out.print_line(f"alarms: {len(mute.alarms)}; {about}")
        context.out.print_line(f"    {mute.name}: {', '.join(mute.alarms)}")
