"""`status`: an overview of a stack, problems first."""

import argparse
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any, Final

from ops.cli.common import add_command
from ops.cli.context import Context
from ops.errors import ExitCode
from ops.gateway.queues import Depth
from ops.logic.durations import WrongValueError, parse_duration, show_duration
from ops.status.budgets import WINDOW, words
from ops.status.findings import Finding, Severity, findings_of, verdict_of
from ops.status.gather import API_COUNTS, WORKER_COUNTS, Gatherer
from ops.status.reading import Reading

_LEAST_SECONDS: Final = 60
_LEAST_PAUSE: Final = 2
_MARKS: Final = {Severity.URGENT: "!!", Severity.WRONG: "! ", Severity.LOOK: "- ", Severity.BLIND: "? "}
_STYLES: Final = {Severity.URGENT: "bold red", Severity.WRONG: "bold red", Severity.LOOK: "bold yellow"}


def register(commands: Any) -> None:
    """Add the command."""
    status = add_command(
        commands,
        "status",
        run,
        "show what is wrong with backlog, dead letters, functions, subscribers, alarms and the API's answers",
        "python -m ops status --since 3h",
        "run the commands that status prints, the most urgent first. Exit code 6: something could not be read.",
    )
    status.add_argument("--since", default="1h", metavar="AGE", help="period over which to count (default: 1h)")
    status.add_argument(
        "--watch", nargs="?", const="15s", metavar="TIME", help="repeat after TIME, until Ctrl-C (without TIME: 15s)"
    )


def run(options: argparse.Namespace, context: Context) -> int:
    """Print the status, once or, with `--watch`, until Ctrl-C."""
    since = parse_duration(options.since)
    if since < _LEAST_SECONDS:
        raise WrongValueError(f"--since {options.since}: allowed is 1m or more; metrics are counted by the minute.")
    if options.watch is None:
        return _show_once(context, since)
    pause = parse_duration(options.watch)
    if context.as_json:
        raise WrongValueError("--watch and --json exclude each other.")
    if pause < _LEAST_PAUSE:
        raise WrongValueError(f"--watch {options.watch}: allowed is 2s or more.")
    return _watch(context, since, pause)


def _watch(context: Context, since: int, pause: int) -> int:
    code = int(ExitCode.OK)
    try:
        while not context.out.is_closed:
            if context.out.is_terminal:
                context.out.clear()
            code = _show_once(context, since)
            context.say(f"Again in {show_duration(pause)}; Ctrl-C stops.")
            context.clock.sleep(pause)
    except KeyboardInterrupt:
        return code
    return code


def _show_once(context: Context, since: int) -> int:
    reading = Gatherer(context, since).read()
    findings = findings_of(reading)
    if context.as_json:
        context.print_json(_document(context, reading, findings))
    else:
        _show(context, reading, findings)
    context.next(*dict.fromkeys(command for finding in findings for command in finding.commands))
    return ExitCode.INCOMPLETE if reading.unread else ExitCode.OK


def _show(context: Context, reading: Reading, findings: list[Finding]) -> None:
    out = context.out
    worst = min((finding.severity for finding in findings), default=None)
    out.print_line(
        verdict_of(reading, findings), style=_STYLES.get(worst, "bold") if worst is not None else "bold green"
    )
    for finding in findings:
        out.print_line(f"{_MARKS[finding.severity]} {context.completed(finding.text)}")
        if finding.runbook:
            runbook = finding.runbook if "/" in finding.runbook else f"docs/runbooks/{finding.runbook}"
            out.print_line(f"   runbook: {runbook}")
    out.print_line("")
    columns = ("queue", "waiting", "in flight", "delayed", "oldest", "kept for")
    out.rows(columns, list(_queues(reading)), whole=set(columns))
    out.fields(dict(_facts(reading)))
    context.heading(f"counted in the last {show_duration(reading.seconds)}")
    counted = list(_counts(reading))
    out.rows(("what", "count", "per minute"), counted or [("nothing", "-", "-")], whole={"count", "per minute"})
    raised = [alarm for alarm in reading.alarms or () if alarm.state == "ALARM"]
    if reading.alarms is not None:
        context.heading(f"alarms: {len(raised)} of {len(reading.alarms)} raised")
    if raised:
        ages = [(alarm, show_duration(reading.now - alarm.since.timestamp())) for alarm in raised]
        rows = [(alarm.tier, age, alarm.name, alarm.runbook or "-") for alarm, age in ages]
        out.rows(("tier", "since", "alarm", "runbook"), rows, whole={"tier", "since", "alarm"})


def _queues(reading: Reading) -> Iterator[tuple[str, ...]]:
    for name, depth, key in (("orders", reading.orders, "orders_age"), ("dead letters", reading.dead, "dead_age")):
        age = (reading.metrics or {}).get(key)
        oldest = "-" if age is None else show_duration(age.amount)
        if depth is not None:
            numbers = (str(depth.visible), str(depth.hidden), str(depth.delayed))
            yield name, *numbers, oldest, show_duration(depth.retention_seconds)


def _facts(reading: Reading) -> Iterator[tuple[str, str]]:
    if reading.worker is not None:
        yield "worker:", reading.worker + (f", {reading.paused}" if reading.paused else "")
    if reading.deployed:
        function, (version, made) = max(reading.deployed.items(), key=lambda item: item[1][1])
        yield "last deploy:", f"{show_duration(reading.now - made)} ago ({function}, version {version})"
    if reading.quota is not None:
        used = (reading.metrics or {}).get("concurrency")
        yield "concurrency:", f"{'unknown' if used is None else int(used.amount)}, account quota: {reading.quota}"
    for objective, percent in (reading.budgets or {}).items():
        yield f"{objective} budget:", f"{words(percent)} (last {WINDOW.days} days)"
    for key, name in (("latency_p99", "time to answer, p99:"), ("settled_p95", "time to settle, p95:")):
        value = (reading.metrics or {}).get(key)
        if value is not None:
            yield name, f"{value.amount:.0f} ms"


def _counts(reading: Reading) -> Iterator[tuple[str, str, str]]:
    names = [("requests", "requests"), ("5xx", "answered 5xx"), ("4xx", "answered 4xx")]
    names += [(metric, metric.value) for metric in (*API_COUNTS, *WORKER_COUNTS)]
    names += [(key, key) for key in reading.metrics or () if " of " in key and not key.startswith("invocations")]
    names += [("events_failed", "deliveries failed"), ("events_lost", "events lost")]
    for key, name in names:
        value = (reading.metrics or {}).get(key)
        if value is not None and (value.amount or " of " not in key):
            yield name, f"{value.amount:.0f}", f"{value.amount * 60 / reading.seconds:.1f}"


def _document(context: Context, reading: Reading, findings: list[Finding]) -> dict[str, Any]:
    metrics = reading.metrics or {}
    alarms = reading.alarms or ()
    return {
        "stack": context.target.prefix,
        "verdict": verdict_of(reading, findings),
        "severity": findings[0].severity.name.lower() if findings else "well",
        "findings": [finding.as_json(context.completed) for finding in findings],
        "unread": [asdict(unread) for unread in reading.unread],
        "orders_queue": _depth(reading.orders, reading, "orders_age"),
        "dead_letter_queue": _depth(reading.dead, reading, "dead_age"),
        "worker": reading.worker,
        "paused": reading.paused,
        "seconds": reading.seconds,
        "counts": {key: value.amount for key, value in metrics.items() if not key.endswith("_age")},
        "subscribers": reading.subscribers,
        "deployed": reading.deployed,
        "quota": reading.quota,
        "budgets": reading.budgets,
        "muted": [{"until": mute.until, "alarms": mute.alarms, "text": mute.text} for mute in reading.mutes or ()],
        "alarms": {
            "total": len(alarms),
            "without_data": [alarm.name for alarm in alarms if alarm.state == "INSUFFICIENT_DATA"],
            "raised": [
                {"name": alarm.name, "tier": alarm.tier, "since": alarm.since.isoformat(), "runbook": alarm.runbook}
                for alarm in alarms
                if alarm.state == "ALARM"
            ],
        },
    }


def _depth(depth: Depth | None, reading: Reading, key: str) -> dict[str, Any] | None:
    age = (reading.metrics or {}).get(key)
    if depth is None:
        return None
    return {
        "visible": depth.visible,
        "hidden": depth.hidden,
        "delayed": depth.delayed,
        "oldest_seconds": None if age is None else age.amount,
        "retention_seconds": depth.retention_seconds,
    }
