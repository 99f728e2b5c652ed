"""Runs commands of `python -m ops` for the local stack's web page.

So the page has the same logic as the command line.
"""

import io
import json
import re
import shlex
import threading
from collections.abc import Collection
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final

from local.instance import StateDir
from ops.cli.context import Context
from ops.cli.main import main
from ops.cli.screen import Screen
from ops.errors import ExitCode, OpsError, RefusedError
from ops.gateway.clients import Clients
from ops.logic.dead_letter import NOT_REDRIVABLE, State
from ops.target import Choice, resolve

_EXPECTED: Final = frozenset({ExitCode.OK, ExitCode.INCOMPLETE})
_CUT_OFF: Final = "2s"
_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


@dataclass
class OpsCommands:
    """`ops` commands on one instance.

    Reading a dead letter hides it from other commands for a while. So the commands that read dead letters run one at a
    time.
    """

    state: StateDir

    def __post_init__(self) -> None:
        self._turn = threading.Lock()

    @cached_property
    def context(self) -> Context:
        """The clients and settings of the commands."""
        target = resolve(Choice(local=True, state_dir=self.state.path))
        return Context(target, Clients(target), as_json=True)

    def trace(self, order_id: str) -> Any:
        """Run `order trace`."""
        return self._run("order", "trace", _checked(order_id))

    def dead_letters(self) -> Any:
        """Run `dlq list`, and add to each dead letter whether a redrive can help."""
        found = self._in_turn("dlq", "list")
        return [{**each, "redrivable": State(each["state"]) not in NOT_REDRIVABLE} for each in found]

    def redrive(self, message_id: str | None, *, by: str, reason: str, yes: bool) -> Any:
        """Run `dlq redrive` for one message or for all. Without `yes`, the command only counts the messages."""
        where = [f"--where=message_id={_checked(message_id)}"] if message_id else []
        return self._in_turn("dlq", "redrive", *where, *_decided(by, reason, yes=yes))

    def discard(self, identifier: str, *, by: str, reason: str, yes: bool) -> Any:
        """Run `dlq discard`. Without `yes`, the command only returns its plan."""
        return self._in_turn("dlq", "discard", _checked(identifier), *_decided(by, reason, yes=yes))

    def add_stock(self, sku: str, count: int) -> Any:
        """Run `stock add`, with `--new` for an unknown article."""
        new = ["--new"] if self.context.stock.get(_checked(sku)) is None else []
        return self._run("stock", "add", sku, str(count), *new, "--yes")

    def audit(self) -> Any:
        """Run `audit`, without orders of the last two seconds. A broken guarantee is in the result; it is no error."""
        with self._turn:
            return self._run("audit", f"--cut-off={_CUT_OFF}", expected={*_EXPECTED, ExitCode.FAILED})

    def _in_turn(self, *words: str) -> Any:
        with self._turn:
            return self._run(*words)

    def _run(self, *words: str, expected: Collection[int] = _EXPECTED) -> Any:
        out, errors = io.StringIO(), io.StringIO()
        screens = Screen(stderr=False, file=out), Screen(stderr=True, file=errors)
        options = ["--local", *shlex.split(self.state.option), "--json"]
        code = main([*words, *options], replace(self.context, out=screens[0], err=screens[1]))
        if code not in expected or not out.getvalue():
            raise OpsError(errors.getvalue().strip().removeprefix("error: "))
        return json.loads(out.getvalue())


def _decided(by: str, reason: str, *, yes: bool) -> list[str]:
    return [f"--by={by}", f"--reason={reason}", *(["--yes"] if yes else [])]


def _checked(identifier: str) -> str:
    """Refuse an identifier that cannot be a command's argument."""
    if not _ID.fullmatch(identifier):
        raise RefusedError(
            f"{identifier!r} is not allowed here. Give 1 to 100 letters, digits, '.', '_' or '-', "
            "the first a letter or digit."
        )
    return identifier
