"""`audit`: checks the guarantees on a stack's own data."""

import argparse
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Final

from ops.audit.judge import Finding, judge
from ops.audit.read import Reader
from ops.cli.common import add_command
from ops.cli.context import Context
from ops.errors import ExitCode
from ops.logic.durations import parse_duration
from runtime.models.fields import to_timestamp

# List price of us-east-1 as of 2026-11: a read unit of DynamoDB on demand.
_USD_PER_UNIT: Final = 0.125 / 1_000_000
_SHOWN: Final = 20
_NEVER_KNOWN: Final = (
    "what callers and subscribers received: the tables only record which answers and events were sent",
    "which messages are in the orders queue: audit only counts them, because SQS counts each read as a receive",
    "whether people published events again",
    "whether rows of orders were deleted, if the API's records of these orders have expired (by default after 24 h)",
)


def register(commands: Any) -> None:
    """Add the command."""
    audit = add_command(
        commands,
        "audit",
        run_audit,
        "check the guarantees G1 to G6 on this stack's data; reads whole tables, and changes nothing",
        "python -m ops audit --cut-off 15m --since 1d",
        "for one order: `order trace ID`. If its message is lost: `orders resend ID`. If stock is wrong: count it,\n"
        "  then `stock set --expect`.",
    )
    audit.add_argument(
        "--cut-off",
        default="15m",
        metavar="AGE",
        help="do not check messages and events of orders accepted or settled in the last AGE (default: 15m)",
    )
    audit.add_argument("--since", default="1d", metavar="AGE", help="how far back to read the logs (default: 1d)")
    audit.add_argument(
        "--no-logs",
        action="store_true",
        help="do not read the logs; receives (G4) and first answers (G3) are then not counted",
    )
    audit.add_argument(
        "--limit",
        type=int,
        default=_SHOWN,
        metavar="N",
        help="for each guarantee, show at most N violations (!!) and N remarks (!) (default: 20; 0: all)",
    )


def run_audit(options: argparse.Namespace, context: Context) -> int:
    """Run the audit. Print its findings, how much it read, and which facts remain unknown."""
    now = context.clock.time()
    cut_off = now - parse_duration(options.cut_off)
    since = None if options.no_logs else now - parse_duration(options.since)
    with _progress(context) as progress:
        reader = Reader(context, cut_off, since, progress)
        evidence = reader.read()
    findings = [finding.with_texts(context.completed) for finding in judge(evidence)]
    broken = sum(not finding.ok for finding in findings)
    read = _read(reader, context.clock.time() - now)
    moment = to_timestamp(datetime.fromtimestamp(cut_off, UTC))
    if context.as_json:
        guarantees = [finding.as_json() for finding in findings]
        context.print_json(
            {"ok": not broken, "cut_off": moment, "guarantees": guarantees, "read": read, "not_known": _NEVER_KNOWN}
        )
    else:
        _show(context, findings, options.limit)
        context.heading("read")
        context.out.fields(read)
    context.say(f"Cut-off: {moment}. Messages and events of orders accepted or settled later are not checked.")
    for text in (
        *(_NEVER_KNOWN),
        *(("receives and first answers: the logs were not read",) if options.no_logs else ()),
    ):
        context.say(f"not known: {text}")
    if broken:
        return ExitCode.FAILED
    return ExitCode.INCOMPLETE if evidence.unread else ExitCode.OK


def _show(context: Context, findings: Sequence[Finding], limit: int) -> None:
    rows = [("holds" if one.ok else "BROKEN", f"{one.name} {one.promise}", one.counted) for one in findings]
    context.out.rows(("", "guarantee", "counted"), rows, {"", "guarantee"})
    for one in findings:
        for sign, texts in (("!!", one.violations), ("!", one.named)):
            shown = texts[:limit] if limit > 0 else texts
            for text in shown:
                context.out.print_line(f"{sign} {one.name}: {text}")
            if len(shown) < len(texts):
                context.out.print_line(f"{sign} {one.name}: {len(texts) - len(shown)} more: --limit 0 shows all")


def _read(reader: Reader, seconds: float) -> dict[str, Any]:
    rows = reader.rows
    return {
        "rows": rows.rows,
        "table requests": rows.requests,
        "read units": "not reported" if rows.units is None else round(rows.units, 1),
        "about USD": "not known" if rows.units is None else round(rows.units * _USD_PER_UNIT, 6),
        "dead letters": reader.seen,
        "log lines": len(reader.evidence.receives) + reader.evidence.firsts.total() + reader.evidence.replays,
        "seconds": round(seconds, 1),
    }


@contextmanager
def _progress(context: Context) -> Iterator[Callable[[str], None]]:
    """Show which source is being read, if standard error is a terminal."""
    if not context.err.is_terminal:
        yield lambda _: None
        return
    with context.err.status("reading") as status:
        yield lambda what: status.update(f"reading: {what}")
