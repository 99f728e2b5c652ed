"""`fault`: make the functions' AWS calls fail."""

import argparse
from difflib import get_close_matches
from typing import Any

from botocore.loaders import Loader
from rich.console import Console
from rich.table import Table

from local.cli.common import add_command, add_json, print_json, state_dir
from local.control import Control
from local.errors import ExitCode, LocalError
from local.proxy.faults import FaultKind, FaultRule, FaultStatus
from local.services.base import service_model
from ops.logic.counts import counted

_KINDS = """\
kinds:
  error        the service answers with status 500
  throttle     the service answers with its throttling error
  conflict     DynamoDB reports a conflict with another transaction
  timeout      the service does not answer, and the call has no effect
  reset        the connection is reset, and the call has no effect
  lost-answer  the call has its effect, but the connection is reset before the answer
"""
# A request in one of these protocols does not name its operation.
_REST_PROTOCOLS = frozenset({"rest-json", "rest-xml"})


def register(commands: Any) -> None:
    """Add the command with its three actions."""
    parser = add_command(
        commands,
        "fault",
        "make the functions' AWS calls fail (rules apply to no other calls)",
        "python -m local fault add --service sqs --operation SendMessage --kind error --count 3",
    )
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    add = add_command(
        actions,
        "add",
        "add a rule",
        "python -m local fault add --service dynamodb --kind throttle --probability 0.3 --seconds 60",
    )
    add.epilog = f"{_KINDS}\n{add.epilog}"
    add.add_argument("--service", required=True, help="dynamodb, sqs, sns, …")
    add.add_argument("--operation", help="e.g. SendMessage (default: all operations of the service)")
    add.add_argument(
        "--kind",
        required=True,
        choices=[kind.value for kind in FaultKind],
        metavar="KIND",
        help="what happens: one of the kinds below",
    )
    add.add_argument("--probability", type=float, default=1.0, metavar="P", help="probability per call (default: 1)")
    add.add_argument("--count", type=int, metavar="N", help="end after N hits (default: never)")
    add.add_argument("--seconds", type=float, metavar="S", help="end after S seconds (default: never)")
    add.add_argument("--containing", metavar="TEXT", help="only calls whose request contains TEXT, e.g. an SKU")
    add_json(add)
    add.set_defaults(run=run_add)
    show = add_command(actions, "list", "show the rules and how often they hit", "python -m local fault list --json")
    add_json(show)
    show.set_defaults(run=run_list)
    clear = add_command(actions, "clear", "remove all rules", "python -m local fault clear")
    clear.set_defaults(run=run_clear)


def run_add(options: argparse.Namespace) -> int:
    """Add a rule."""
    rule = make_rule(options)
    status = Control(state_dir(options).running()).add_fault(rule)
    if options.json:
        print_json(status.model_dump(mode="json"))
    else:
        _show([status])
    return ExitCode.OK


def run_list(options: argparse.Namespace) -> int:
    """Show all rules."""
    statuses = Control(state_dir(options).running()).faults()
    if options.json:
        print_json([each.model_dump(mode="json") for each in statuses])
    else:
        _show(statuses)
    return ExitCode.OK


def run_clear(options: argparse.Namespace) -> int:
    """Remove all rules."""
    count = Control(state_dir(options).running()).clear_faults()
    Console(stderr=True, highlight=False).print(f"Rules removed: {count}.")
    return ExitCode.OK


def make_rule(options: argparse.Namespace) -> FaultRule:
    """Return the rule that the options describe.

    Raises `LocalError` for a probability above 1, and for a rule that could never hit.
    """
    check_call(options.service, options.operation, options.kind)
    if not 0 < options.probability <= 1:
        raise LocalError(f"--probability {options.probability} is out of range. Give more than 0 and at most 1.")
    if options.count is not None and options.count < 1:
        raise LocalError(f"With --count {options.count} no call would be hit. Give 1 or more, or leave it out.")
    if options.seconds is not None and not options.seconds > 0:  # refuses nan too, unlike `<= 0`
        raise LocalError(f"With --seconds {options.seconds} no call would be hit. Give more than 0, or leave it out.")
    if options.containing == "":
        raise LocalError("--containing is empty. Give a text that the request must contain, or leave it out.")
    return FaultRule(
        service=options.service,
        operation=options.operation,
        kind=FaultKind(options.kind),
        probability=options.probability,
        count=options.count,
        seconds=options.seconds,
        containing=options.containing,
    )


def check_call(service: str, operation: str | None, kind: str) -> None:
    """Raise `LocalError` when a rule could never hit.

    There are three cases:

    - AWS does not have the service or the operation.
    - The kind is a conflict, but the service is not DynamoDB.
    - The rule names an operation, but the service has a REST protocol. Its requests do not name their operation.
    """
    if kind == FaultKind.CONFLICT and service != "dynamodb":
        raise LocalError(f"--kind conflict exists only for dynamodb, not for {service}. Use --kind error.")
    services = Loader().list_available_services("service-2")
    if service not in services:
        raise LocalError(f"--service {service!r} is no AWS service.{_suggestion(service, services)}")
    model = service_model(service)
    if operation is None:
        return
    if operation not in model.operation_names:
        raise LocalError(
            f"--operation {operation!r} is no operation of {service}.{_suggestion(operation, model.operation_names)}"
        )
    if model.protocol in _REST_PROTOCOLS:
        raise LocalError(
            f"{service} has a REST API, where a request does not name its operation. Leave --operation out: "
            f"the rule then hits all calls to {service}."
        )


def _suggestion(given: str, known: list[str]) -> str:
    close = get_close_matches(given, known, n=3, cutoff=0.5)
    return f" Did you mean {' or '.join(close)}?" if close else ""


def _show(statuses: list[FaultStatus]) -> None:
    table = Table("id", "call", "kind", "limits", "matched", "hits", "state", box=None)
    for each in statuses:
        state = "used up" if each.expired else "in force"
        call = f"{each.rule.service} {each.rule.operation or '(all)'}"
        table.add_row(
            str(each.id), call, each.rule.kind.value, _limits(each.rule), str(each.matched), str(each.hits), state
        )
    Console(highlight=False).print(table)


def _limits(rule: FaultRule) -> str:
    limits = (
        f"p={rule.probability:g}" if rule.probability < 1 else "",
        "" if rule.count is None else counted(rule.count, "time"),
        "" if rule.seconds is None else f"{rule.seconds:g} s",
        "" if rule.containing is None else f"containing {rule.containing}",
    )
    return ", ".join(limit for limit in limits if limit)
