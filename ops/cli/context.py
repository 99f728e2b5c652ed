"""Context of a command: one stack's gateways, and the output streams."""

import json
import shlex
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

from ops.cli.screen import Screen, visible
from ops.cli.selection import completed
from ops.gateway.clients import Clients
from ops.gateway.journal import Journal
from ops.gateway.mutes import Mutes
from ops.gateway.orders import Orders
from ops.gateway.queues import DeadLetterQueue, OrdersQueue, depth_of
from ops.gateway.stock import Stock
from ops.gateway.telemetry import Telemetry
from ops.gateway.worker import Worker
from ops.sweep import Sweep
from ops.target import Choice, Target
from runtime.logic.clock import Clock

_HIDDEN: Final = "--token"


@dataclass
class Context:
    """Gateways of one stack, and the output streams.

    Attributes:
        as_json: Whether standard output is JSON.
        out, err: Data goes to `out`, everything else to `err`.
        arguments: The command line.
        choice: Options of the command line that choose the stack; empty if the environment chooses it.
    """

    target: Target
    clients: Clients
    as_json: bool
    clock: Clock = time
    out: Screen = field(default_factory=lambda: Screen(stderr=False))
    err: Screen = field(default_factory=lambda: Screen(stderr=True))
    arguments: Sequence[str] = ()
    choice: Choice = field(default_factory=Choice)

    def say(self, text: str) -> None:
        """Print one line of text to standard error, for human readers."""
        self.err.print(visible(self.completed(text)))

    def heading(self, text: str) -> None:
        """Print the heading of the data below."""
        self.out.print_line(text, style="bold")

    def next(self, *commands: str) -> None:
        """Print commands to type next, with the options that named this command's stack."""
        for command in commands:
            self._print_next(self.completed(command))

    def again(self, *more: str) -> None:
        """Print the command to type next: this command with the additional options `more`."""
        given = _without_token(self.arguments)
        # After `--` there are no options.
        end = given.index("--") if "--" in given else len(given)
        self._print_next(shlex.join(["python", "-m", "ops", *given[:end], *more, *given[end:]]))

    def completed(self, text: str) -> str:
        """Return `text`. Each command in it gets the options that named this command's stack (`--stack prod`)."""
        return completed(text, self.choice)

    def _print_next(self, command: str) -> None:
        self.err.print_line(f"  next: {command}", style="dim")

    def print_json(self, document: Any) -> None:
        """Print a document as JSON on standard output."""
        self.out.raw(json.dumps(document, indent=2, default=str))

    @cached_property
    def orders(self) -> Orders:
        """The orders table and the worker's idempotency records."""
        target = self.target
        return Orders(
            self.clients.dynamodb, target.orders_table, target.worker_idempotency_table, sleep=self.clock.sleep
        )

    @cached_property
    def orders_queue(self) -> OrdersQueue:
        """Gateway that sends to the orders queue."""
        return OrdersQueue(self.clients.sqs, self.target.orders_queue_url)

    @cached_property
    def worker(self) -> Worker:
        """The worker's function and mapping."""
        return Worker(self.clients.lambda_, self.target.process_order_function, self.orders_queue_arn, self.clock)

    @cached_property
    def orders_queue_arn(self) -> str:
        """ARN of the orders queue, read from SQS."""
        answer = self.clients.sqs.get_queue_attributes(
            QueueUrl=self.target.orders_queue_url, AttributeNames=["QueueArn"]
        )
        return answer["Attributes"]["QueueArn"]

    @cached_property
    def stock(self) -> Stock:
        """The stock table."""
        return Stock(self.clients.dynamodb, self.target.stock_table, self.clock)

    @cached_property
    def mutes(self) -> Mutes:
        """Mute rules of the stack's alarms."""
        return Mutes(self.clients.cloudwatch, self.target.prefix, self.clock)

    @cached_property
    def telemetry(self) -> Telemetry:
        """CloudWatch's metrics and logs."""
        return Telemetry(self.clients.cloudwatch, self.clients.logs)

    @cached_property
    def journal(self) -> Journal:
        """Journal of what people did to dead letters."""
        return Journal(self.clients.logs, f"/aws/lambda/{self.target.process_order_function}", self.clock)

    def sweep(self) -> Sweep:
        """Start a pass over the dead-letter queue. First check that this queue belongs to the orders queue."""
        self.clients.check_queues()
        if self._dead_letters_are_fifo:
            self.say(
                "A FIFO queue returns at most ten messages of one caller until these are deleted. Until then, messages "
                "behind them are neither listed nor counted. Redrive or discard the first ones, then look again."
            )
        return Sweep(DeadLetterQueue(self.clients.sqs, self.target.dead_letter_queue_url), report=self.say)

    def count_unreached(self) -> int:
        """Return about how many messages a FIFO queue did not return to the current pass; 0 for a standard queue."""
        if not self._dead_letters_are_fifo:
            return 0
        return depth_of(self.clients.sqs, self.target.dead_letter_queue_url).visible

    @property
    def _dead_letters_are_fifo(self) -> bool:
        return self.target.dead_letter_queue_url.endswith(".fifo")


def _without_token(arguments: Sequence[str]) -> list[str]:
    """Replace the value of `--token` by `-`, because the arguments are printed and a log may keep them.

    With `--token -`, a command reads the token from standard input.
    """
    pairs = zip(("", *arguments), arguments, strict=False)
    hidden = ("-" if before == _HIDDEN else each for before, each in pairs)
    return [f"{_HIDDEN}=-" if each.startswith(f"{_HIDDEN}=") else each for each in hidden]
