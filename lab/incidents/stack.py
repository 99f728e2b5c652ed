"""A simulated stack with metrics, alarms and logs, for the commands of `python -m ops`."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final
from unittest.mock import patch

import ops.sweep
from lab.incidents.clients import CloudWatch, Topics, groups, lambda_client
from lab.simulation.cloudwatch.evaluator import AlarmRun
from lab.simulation.cloudwatch.evaluator_metrics import MetricStore
from lab.simulation.cloudwatch.registered import (
    WATCHED,
    Registered,
    composite_alarms,
    metric_alarms,
    register_alarms,
)
from lab.simulation.fakes.logs import FakeLogs
from lab.simulation.observed import ObservedWorld, Output, observed
from lab.simulation.world import API_RECORDS, ORDERS, STOCK, TOPIC, WORKER_RECORDS, Deployment
from ops.cli.context import Context
from ops.cli.main import parser
from ops.cli.screen import Screen
from ops.errors import OpsError
from ops.gateway.clients import Clients
from ops.target import Target

MINUTE: Final = 60
FUNCTIONS: Final = ("create_order", "get_order", "process_order")
STREAM: Final = "2026/01/01/[7]0123abcd"
"""Name of the log stream in every log group. It has Lambda's form, with day and version."""


@cache
def registered() -> tuple[Registered, ...]:
    """Return the alarms that the program registers."""
    return register_alarms()


@cache
def topics() -> dict[str, str]:
    """Return the ARN of each tier's alarm topic."""
    arns = (arn for one in registered() for arn in one.inputs.get("alarmActions") or ())
    return {arn.rpartition("-")[2]: arn for arn in arns}


@dataclass(frozen=True)
class CommandResult:
    """Result of a command: its exit code and its output."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """Return standard output, parsed as JSON."""
        return json.loads(self.out)


@dataclass
class Stack:
    """The stack with its metrics, logs and alarms."""

    world: ObservedWorld
    output: Output
    store: MetricStore = field(default_factory=MetricStore)
    logs: FakeLogs = field(init=False)
    alarms: AlarmRun = field(init=False)
    _collected: int = 0

    def __post_init__(self) -> None:
        names = (f"/aws/lambda/{WATCHED[f'{name}_function']}" for name in FUNCTIONS)
        self.logs = FakeLogs(self.world.cloud.wire, self.world.cloud.clock, *names)
        self.alarms = AlarmRun(self.store, metric_alarms(registered()), composite_alarms(registered()))

    def type(self, *words: str) -> CommandResult:
        """Run `python -m ops …` with these words."""
        self.collect()
        out, err = io.StringIO(), io.StringIO()
        with redirect_stdout(out), redirect_stderr(err), patch.object(ops.sweep, "_WAIT_SECONDS", 0):
            options = parser().parse_args(words)
            context = Context(
                self._target(),
                self._clients(),
                options.json,
                self.world.cloud.clock,
                Screen(stderr=False),
                Screen(stderr=True),
                arguments=words,
            )
            try:
                code = int(options.run(options, context))
            except OpsError as error:
                code = int(error.exit_code)
                err.write(f"error: {error}\n")
        return CommandResult(code, out.getvalue(), err.getvalue())

    def collect(self) -> list[dict[str, Any]]:
        """Return the functions' new log lines that have metrics. Write the other new lines to CloudWatch Logs."""
        group_of = dict(groups())
        lines = self.output.text.splitlines()
        fresh, self._collected = [json.loads(line) for line in lines[self._collected :]], len(lines)
        for line in fresh:
            if "_aws" not in line and line.get("service") in group_of:
                self.logs.write(group_of[line["service"]], STREAM, json.dumps(line))
        return [line for line in fresh if "_aws" in line]

    def _target(self) -> Target:
        return Target(
            label="the simulated stack",
            orders_queue_url=self.world.orders_queue.url,
            dead_letter_queue_url=self.world.dead_letters.url,
            notifications_topic_arn=TOPIC,
            orders_table=ORDERS,
            stock_table=STOCK,
            api_idempotency_table=API_RECORDS,
            worker_idempotency_table=WORKER_RECORDS,
            process_order_function=WATCHED["process_order_function"],
            functions=tuple(WATCHED[f"{name}_function"] for name in FUNCTIONS),
            api_id=WATCHED["api_id"],
            api_stage=WATCHED["api_stage"],
            alarm_topic_arns=topics(),
        )

    def _clients(self) -> Clients:
        cloud, names = self.world.cloud, dict(NAMES)
        settings = {
            "EVENT_SOURCE": "/orders-test",
            "IDEMPOTENCY_TTL_SECONDS": str(self.world.deployment.worker_record_seconds),
        }
        clients = Clients(self._target())
        # The real clients are created at their first use. These clients replace them.
        vars(clients).update(
            sqs=cloud.sqs,
            dynamodb=cloud.dynamodb,
            sns=Topics(cloud.sns),
            logs=self.logs,
            cloudwatch=CloudWatch(cloud.clock, self.store, self.alarms, registered(), names),
            lambda_=lambda_client(settings, cloud.clock.now - 86_400),
        )
        return clients


NAMES: Final = {
    "orders": WATCHED["queue"],
    "dead": WATCHED["dead_letter_queue"],
    "notifications": WATCHED["notifications_topic"],
}


@contextmanager
def simulated_stack(deployment: Deployment | None = None) -> Iterator[Stack]:
    """Yield a new simulated stack."""
    with observed(deployment=deployment) as (world, output):
        yield Stack(world, output)
