"""Nothing changes without `--yes`: every command with this option is run without it and with it."""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.error import URLError

import pytest
from botocore.client import BaseClient

import ops.sweep
from ops.cli.main import parser
from ops.gateway.orders import record_id
from tests.ops.deploying import DeployTarget
from tests.ops.factories import DECISION, ORDER_ID, body, good_row, text
from tests.ops.mock_stack import GIVEN, MockStack, account

_SETTLED = {"status": {"S": "CONFIRMED"}, "settled_at": {"S": "2026-01-01T00:01:00.000Z"}}
# Operations that only read. To read dead letters, a command receives them and makes them visible again.
_READS = re.compile(r"Get|List|Describe|Scan|Query|BatchGet|Filter|StartQuery|ReceiveMessage|ChangeMessageVisibility")


def _nothing(_: MockStack) -> None:
    pass


def _dead_letter(stack: MockStack) -> None:
    stack.put_order(good_row(ORDER_ID, status={"S": "FAILED"}))
    stack.put_dead_letter(body(), {"order_id": text(ORDER_ID)})


def _open_order(stack: MockStack) -> None:
    stack.put_order(good_row(ORDER_ID))


def settled_orders(stack: MockStack, *rows: dict[str, Any]) -> None:
    """Store rows of settled orders, and set the worker's `EVENT_SOURCE`, which the orders' events contain."""
    for row in rows:
        stack.put_order(row)
    source = {"Variables": {"EVENT_SOURCE": "/orders-prod"}}
    stack.lambda_.update_function_configuration(FunctionName=GIVEN["process_order_function"], Environment=source)
    version = stack.lambda_.publish_version(FunctionName=GIVEN["process_order_function"])["Version"]
    stack.lambda_.update_alias(FunctionName=GIVEN["process_order_function"], Name="live", FunctionVersion=version)


def _settled_order(stack: MockStack) -> None:
    settled_orders(stack, good_row(ORDER_ID, **_SETTLED))


def _subscriber(stack: MockStack) -> None:
    _settled_order(stack)
    queue = stack.sqs.create_queue(QueueName="orders-prod-notifications-billing")["QueueUrl"]
    stack.sns.subscribe(TopicArn=stack.topic, Protocol="sqs", Endpoint=stack.arn_of(queue))


def alarm(stack: MockStack, name: str = "orders-prod-api-failing") -> None:
    """Create an alarm that pages."""
    stack.cloudwatch.put_metric_alarm(
        AlarmName=name,
        AlarmActions=[json.loads(stack.outputs.read_text())["alarm_topic_arns"]["page"]],
        MetricName="5xx",
        Namespace="AWS/ApiGateway",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
    )


def _muted(stack: MockStack) -> None:
    alarm(stack)
    assert stack.run("mute", "on", "--for", "2h", *DECISION, "--yes") == 0


def _unreadable_order(stack: MockStack) -> None:
    stack.put_order(good_row(ORDER_ID, status={"S": "FAILED"}, settled_at={"S": "yesterday"}))


def unreadable_record(stack: MockStack) -> None:
    """Store an open order, and the worker's record of it: the record is completed, but has no answer."""
    _open_order(stack)
    stack.put_record({"id": {"S": record_id(ORDER_ID)}, "status": {"S": "COMPLETED"}})


def _stock(stack: MockStack) -> None:
    stack.put_stock({"sku": {"S": "SKU-1"}, "available": {"N": "9"}})


def _running(stack: MockStack) -> None:
    assert stack.run("worker", "resume", "--yes") == 0


def _paused(stack: MockStack) -> None:
    assert stack.run("worker", "pause", *DECISION, "--yes") == 0


@dataclass(frozen=True)
class Row:
    """Arguments with which a command changes something, once `prepare` has run."""

    arguments: tuple[str, ...] = ()
    prepare: Callable[[MockStack], object] = _nothing


ROWS: dict[str, tuple[Row, ...]] = {
    "dlq redrive": (Row(DECISION, _dead_letter),),
    "dlq discard": (
        Row((ORDER_ID, *DECISION), _dead_letter),
        Row(("--where", "older_than=0s", *DECISION), _dead_letter),
    ),
    "order repair": (Row((ORDER_ID,), _unreadable_order), Row((ORDER_ID,), unreadable_record)),
    "order replay-events": (Row((ORDER_ID,), _settled_order),),
    "events replay": (Row(("--since", "2026-01-01T00:00:00Z", "--to", "billing", *DECISION), _subscriber),),
    "orders resend": (Row((ORDER_ID,), _open_order), Row(("--older-than", "1s"), _open_order)),
    "stock add": (Row(("SKU-1", "5"), _stock), Row(("SKU-2", "5", "--new"))),
    "stock set": (Row(("SKU-1", "7", "--expect", "9"), _stock),),
    "mute on": (Row(("--for", "2h", *DECISION), alarm),),
    "mute off": (Row(prepare=_muted),),
    "page": (Row(("--test",)),),
    "worker pause": (Row(DECISION, _running),),
    "worker resume": (Row(prepare=_paused),),
    "smoke": (Row(("--timeout", "1s")), Row(("--timeout", "1s", "--confirm", "SKU-1"), _stock)),
    "load": (Row(("--orders", "1", "--within", "1s", "--in-production")),),
}
DEPLOYS = (("shift",), ("shift", "--again"), ("shift", "--ignore-alarms"), ("rollback",), ("prune",))
CASES = [(command, row) for command, rows in ROWS.items() for row in rows]
IDS = [f"{command} {' '.join(row.arguments)}" for command, row in CASES]


def registered(level: argparse.ArgumentParser, name: str = "") -> Iterator[str]:
    """Yield the commands that have the option `--yes`."""
    below = [action for action in level._actions if isinstance(action, argparse._SubParsersAction)]
    if any("--yes" in action.option_strings for action in level._actions):
        yield name
    for action in below:
        for each, inner in action.choices.items():
            yield from registered(inner, f"{name} {each}".strip())


def test_every_command_with_the_option_yes_has_a_case() -> None:
    # GIVEN / WHEN
    changing = set(registered(parser()))

    # THEN
    assert changing == {*ROWS, *(f"deploy {action}" for action, *_ in DEPLOYS)}, (
        "give each command with --yes a row in ROWS or DEPLOYS of tests/ops/test_without_yes.py"
    )


@dataclass
class CommandRunner:
    """Runs commands. Records their requests to the API, and their AWS calls that do more than read."""

    stack: MockStack
    made: list[str] = field(default_factory=list)

    def run(self, command: str, *arguments: str) -> int:
        return self.stack.run(*command.split(), *arguments)

    def state(self) -> dict[str, Any]:
        """Return queues, tables, event source mapping and aliases."""
        lambda_, sqs, scan = self.stack.lambda_, self.stack.sqs, self.stack.dynamodb.scan
        tables = [
            name for key, name in GIVEN.items() if key in ("orders_table", "stock_table", "worker_idempotency_table")
        ]
        functions = [GIVEN[f"{name}_function"] for name in ("create_order", "get_order", "process_order")]
        return {
            "queues": [
                sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
                for url in (self.stack.orders, self.stack.dead_letters)
            ],
            "tables": [scan(TableName=name)["Items"] for name in tables],
            "mapping": lambda_.get_event_source_mapping(UUID=self.stack.mapping)["State"],
            "aliases": [lambda_.get_alias(FunctionName=name, Name="live")["FunctionVersion"] for name in functions],
        }


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MockStack]:
    with account(tmp_path_factory.mktemp("stack")) as made:
        yield made


@pytest.fixture
def runner(monkeypatch: pytest.MonkeyPatch, stack: MockStack) -> CommandRunner:
    """Provide a runner of commands for a stack on moto. The stack has no orders, and its API cannot be reached."""
    call: Any = vars(BaseClient)["_make_api_call"]
    stack.clear()
    done = CommandRunner(stack)

    def noted(client: Any, operation: str, parameters: Any) -> Any:
        if not _READS.match(operation):
            done.made.append(f"{client.meta.service_model.service_name}.{operation}")
        return call(client, operation, parameters)

    def unreachable(*_: Any, **__: Any) -> Any:
        done.made.append("a request to the API")
        raise URLError("nobody there")

    monkeypatch.setattr(BaseClient, "_make_api_call", noted)
    monkeypatch.setattr(HTTPConnection, "connect", unreachable)
    monkeypatch.setattr(ops.sweep, "_WAIT_SECONDS", 0)
    return done


@pytest.mark.parametrize(("command", "row"), CASES, ids=IDS)
def test_a_command_changes_something_only_with_yes(command: str, row: Row, runner: CommandRunner, capsys: Any) -> None:
    # GIVEN something that the command can change
    row.prepare(runner.stack)
    capsys.readouterr()
    before = runner.state()
    runner.made.clear()

    # WHEN the command is run without --yes
    code = runner.run(command, *row.arguments)

    # THEN nothing is changed, and the output says so and shows the next command
    output = "".join(capsys.readouterr())
    assert code == 0, output
    selection = re.escape(runner.stack.selection)
    assert re.search(
        rf"Dry run: nothing was changed.\n  next: python -m ops {command} .*?{selection}.* --yes\n", output
    )
    assert output.count(runner.stack.selection) == output.count("python -m ops")
    assert runner.made == []
    assert runner.state() == before

    # WHEN that command is run
    runner.run(command, *row.arguments, *expect_option(output), "--yes")

    # THEN
    assert runner.made != []


def expect_option(output: str) -> list[str]:
    """Return the option `--expect` and its value from the command that `output` advises.

    The list is empty if that command has no such option. For example, `order repair` needs it.
    """
    found = re.search(r"--expect \S+(?= --yes)", output)
    return found[0].split() if found else []


@pytest.mark.parametrize("command", DEPLOYS, ids=" ".join)
def test_a_deploy_command_changes_something_only_with_yes(
    command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN functions whose alias points to an older version. For the rollback, it first moves to the newest version
    world = DeployTarget(monkeypatch, tmp_path)
    if command == ("rollback",):
        assert world.run("shift", "--yes") == 0
        for each in world.lambda_.functions.values():
            each.live = max(each.versions)
    before = deployed(world)
    capsys.readouterr()

    # WHEN
    code = world.run(*command, "--json")
    output = capsys.readouterr()
    dry = deployed(world)
    world.run(*command, "--yes")

    # THEN the first run prints JSON and says that nothing was changed, and only the second run changes something
    assert code == 0, output
    assert json.loads(output.out)
    assert "Dry run: nothing was changed." in output.err
    assert dry == before
    assert deployed(world) != before


def deployed(world: DeployTarget) -> tuple[object, ...]:
    """Return the calls that changed functions, the deployments of CodeDeploy, and the functions' tags."""
    tags = [dict(each.tags) for each in world.lambda_.functions.values()]
    return list(world.lambda_.calls), dict(world.codedeploy.made), tags
