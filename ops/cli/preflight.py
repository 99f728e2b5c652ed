"""`preflight`: looks for problems before a deployment."""

import argparse
import json
from collections import Counter
from dataclasses import asdict
from typing import Any

from ops.cli.common import add_command
from ops.cli.screen import Screen
from ops.cli.selection import choice_of
from ops.errors import ExitCode
from ops.logic.counts import counted
from ops.preflight.checks import run_checks
from ops.preflight.finding import Finding, Verdict
from ops.preflight.stack_facts import collect_facts


def register(commands: Any) -> None:
    """Add the command."""
    preflight = add_command(
        commands,
        "preflight",
        None,
        "look for problems before `pulumi up`; changes nothing",
        "python -m ops preflight --stack prod",
        "follow the advice below the table. Exit codes: 0 no errors, 5 errors, 6 something could not be read.",
    )
    preflight.set_defaults(before_up=run)


def run(options: argparse.Namespace) -> int:
    """Run all checks and print the findings."""
    known = collect_facts(choice_of(options))
    found = run_checks(known)
    if options.json:
        document = {
            "stack": known.prefix,
            "deployed": None if known.outputs is None else bool(known.outputs),
            "findings": [asdict(each) for each in found],
        }
        Screen(stderr=False).raw(json.dumps(document, indent=2))
    else:
        _show(found)
    counts = Counter(each.verdict for each in found)
    _conclude(counts)
    if counts[Verdict.ERROR]:
        return ExitCode.REFUSED
    return ExitCode.INCOMPLETE if counts[Verdict.UNKNOWN] else ExitCode.OK


def _show(found: list[Finding]) -> None:
    out = Screen(stderr=False)
    out.rows(("check", "answer", "found"), [(each.check, each.verdict, each.found) for each in found], whole={"answer"})
    for each in found:
        if each.todo:
            out.print_line("")
            out.print_line(f"{each.check}:", style="bold")
        for todo in each.todo:
            # Each command is on one line, so that people can copy it.
            out.print_line(f"  {todo}")


def _conclude(counts: Counter[Verdict]) -> None:
    errors, warnings, unread = (counts[each] for each in (Verdict.ERROR, Verdict.WARNING, Verdict.UNKNOWN))
    found = f"{counted(errors, 'error')}, {counted(warnings, 'warning')}"
    text = f"{found}; {counted(unread, 'check')} could not read something." if unread else f"{found}."
    Screen(stderr=True).print_line(text if errors or warnings or unread else "No problems were found.")
