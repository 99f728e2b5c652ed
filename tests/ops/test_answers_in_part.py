"""Tests that commands read every page of AWS's answers, and retry or report refused entries."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest

import ops.cli.main
import ops.sweep
from ops.cli.context import Context
from ops.errors import OpsError
from ops.gateway.telemetry import Query, Telemetry
from ops.preflight.names import names
from ops.preflight.stack_facts import StackFacts
from ops.preflight.state import BACKEND_VARIABLE, state
from pipeline.config import StackConfig
from pipeline.config.stack_file import StackSettings
from runtime.metric import MetricName
from tests.ops.factories import DECISION, ORDER_ID, OTHER_ID, body, good_row, text
from tests.ops.in_part import InPart, called_operations_with_partial_answers
from tests.ops.mock_stack import GIVEN, REGION, MockStack, account
from tests.ops.test_without_yes import ROWS

ROOT = Path(__file__).resolve().parents[2]
IDS = (ORDER_ID, OTHER_ID)
PREFIX = "orders-prod"


class UndeployedStack(StackFacts):
    """Facts about a stack that is not deployed: Pulumi's state has no resources."""

    def ids(self) -> frozenset[str]:
        return frozenset()


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MockStack]:
    """A stack with at least two items in every list."""
    folder = tmp_path_factory.mktemp("stack")
    with account(folder) as made:
        client: Any = boto3.Session(region_name=REGION).client
        topics = json.loads(made.outputs.read_text())["alarm_topic_arns"]
        for number in "12":
            for topic in (made.topic, topics["page"]):
                made.sns.subscribe(TopicArn=topic, Protocol="https", Endpoint=f"https://{number}.example.com/hook")
            made.cloudwatch.put_metric_alarm(
                AlarmName=f"{PREFIX}-{number}",
                AlarmDescription=f"[page] It fails {number}. Runbook: https://docs.example.com/#{number}",
                AlarmActions=[topics["page"]],
                MetricName="Errors",
                Namespace="AWS/Lambda",
                Statistic="Sum",
                Period=60,
                EvaluationPeriods=1,
                Threshold=1,
                ComparisonOperator="GreaterThanThreshold",
            )
            made.cloudwatch.put_alarm_mute_rule(
                Name=f"{PREFIX}-{number}",
                Rule={"Schedule": {"Expression": "cron(0 2 * * *)", "Duration": "PT1H"}},
                MuteTargets={"AlarmNames": [f"{PREFIX}-{number}"]},
            )
            client("iam").create_role(RoleName=f"{PREFIX}-{number}", AssumeRolePolicyDocument="{}")
            client("codedeploy").create_application(applicationName=f"{PREFIX}-{number}", computePlatform="Lambda")
            bus = client("events").create_event_bus(Name=f"{PREFIX}-events{number}")["EventBusArn"]
            for rule in "12":
                client("events").put_rule(
                    Name=f"rule{rule}", EventBusName=f"{PREFIX}-events{number}", EventPattern='{"source": ["nobody"]}'
                )
                targets = [{"Id": each, "Arn": f"arn:aws:sqs:{REGION}:123456789012:{rule}{each}"} for each in "12"]
                client("events").put_targets(
                    Rule=f"rule{rule}", EventBusName=f"{PREFIX}-events{number}", Targets=targets
                )
        for function in ("create_order", "get_order", "process_order"):
            name = GIVEN[f"{function}_function"]
            made.log(function, *({"at": time.time() - 60, "text": f"[ERROR] Boom: {one} {ORDER_ID}"} for one in "123"))
            made.lambda_.update_function_code(FunctionName=name, ZipFile=b"another", Publish=True)
            made.lambda_.create_alias(FunctionName=name, Name="second", FunctionVersion="2")
        # Two mappings replace the stack's only mapping. They are disabled, so that sent messages stay in the queue. The
        # worker's mapping is made last, because `made.mapping` must be the worker's.
        made.lambda_.delete_event_source_mapping(UUID=made.mapping)
        for function in ("get_order", "process_order"):
            made.mapping = made.lambda_.create_event_source_mapping(
                EventSourceArn=made.arn_of(made.orders), FunctionName=GIVEN[f"{function}_function"], Enabled=False
            )["UUID"]
        s3 = client("s3")
        s3.create_bucket(Bucket="state", CreateBucketConfiguration={"LocationConstraint": REGION})
        for key in ("stacks/orders/prod.json", "stacks/orders/prod.json.bak", *LOCKS):
            s3.put_object(Bucket="state", Key=f".pulumi/{key}", Body=b"{}")
        (folder / "bus.json").write_text(
            json.dumps(
                {**json.loads(made.outputs.read_text()), "notifications_topic_arn": None, "notifications_bus_arn": bus}
            )
        )
        yield made


LOCKS = tuple(f"locks/organization/orders/prod/{number}.json" for number in "12")


@pytest.fixture(autouse=True)
def filled(stack: MockStack, monkeypatch: pytest.MonkeyPatch) -> None:
    """Store two orders, their dead letters and metrics, and stop the clock."""
    stack.clear()
    for message in stack.messages(stack.orders):
        stack.sqs.delete_message(QueueUrl=stack.orders, ReceiptHandle=message["ReceiptHandle"])
    for order_id in IDS:
        stack.put_order(good_row(order_id))
        stack.put_dead_letter(body(order_id=order_id), {"order_id": text(order_id)})
    now = time.time()
    clock = SimpleNamespace(time=lambda: now, monotonic=time.monotonic, sleep=lambda _: None)
    monkeypatch.setattr(ops.cli.main, "Context", partial(Context, clock=clock))
    monkeypatch.setattr(ops.sweep, "_WAIT_SECONDS", 0)
    monkeypatch.setattr(time, "sleep", lambda _: None)
    for metric in (MetricName.ORDER_ACCEPTED, MetricName.IDEMPOTENT_REPLAY):
        for ago in (60, 600):
            datum = {
                "MetricName": metric,
                "Dimensions": [{"Name": "service", "Value": "api"}],
                "Value": 3,
                "Timestamp": now - ago,
            }
            stack.cloudwatch.put_metric_data(Namespace=PREFIX, MetricData=[datum])


def typed(*command: str, outputs: str = "stack.json") -> Callable[[MockStack, Any], Any]:
    """Return a function that runs a command, and returns its exit code and its JSON output."""

    def run(stack: MockStack, capsys: Any) -> Any:
        stack.outputs = stack.outputs.with_name(outputs)
        code = stack.run(*command, "--json")
        stack.outputs = stack.outputs.with_name("stack.json")
        return code, capsys.readouterr().out

    return run


def preflight(stack: MockStack, capsys: Any) -> Any:
    """Return the findings of `preflight` about existing names and Pulumi's state, before anything is deployed."""
    del stack, capsys
    config = StackConfig(environment="development", events_target="bus", gradual_deploy="Linear10PercentEvery1Minute")
    facts = UndeployedStack(StackSettings("orders", "prod", {"aws:region": REGION}), config, {})
    return [*names(facts), *state(facts, {BACKEND_VARIABLE: f"s3://state?region={REGION}"})]


READERS: dict[str, tuple[Callable[[MockStack, Any], Any], set[str]]] = {
    "preflight": (
        preflight,
        {
            *("list_roles", "list_tables", "list_queues", "list_topics", "describe_log_groups", "describe_alarms"),
            *("list_event_buses", "list_applications", "list_objects_v2"),
        },
    ),
    "status": (
        typed("status"),
        {"get_metric_data", "describe_alarms", "list_subscriptions_by_topic", "list_event_source_mappings"},
    ),
    "status with a bus": (typed("status", outputs="bus.json"), {"list_rules", "list_targets_by_rule"}),
    "mute list": (typed("mute", "list"), {"describe_alarms", "list_alarm_mute_rules"}),
    "page": (typed("page"), {"list_subscriptions_by_topic"}),
    "orders open": (typed("orders", "open"), {"scan"}),
    "order trace": (typed("order", "trace", ORDER_ID), {"filter_log_events"}),
    "logs": (typed("logs", "--error"), {"filter_log_events"}),
    "errors": (typed("errors"), {"filter_log_events"}),
    "dlq history": (typed("dlq", "history"), {"filter_log_events"}),
    "deploy prune": (typed("deploy", "prune", "--keep", "1"), {"list_versions_by_function", "list_aliases"}),
}


@pytest.mark.parametrize("command", READERS)
def test_a_command_reads_every_page(command: str, stack: MockStack, capsys: pytest.CaptureFixture[str]) -> None:
    # GIVEN the command's output when AWS answers without pages
    read, pages = READERS[command]
    stack.run("dlq", "redrive", "--where", "order_id=none", *DECISION, "--yes")
    capsys.readouterr()
    whole = read(stack, capsys)
    # WHEN AWS answers with an empty page first, and then with pages of one item
    with InPart().answering() as answers:
        in_part = read(stack, capsys)
    # THEN the output is the same, and the command has read the pages of each operation in its row of `READERS`
    assert in_part == whole
    assert answers.paged >= pages
    assert answers.stale.total() == 0


REDRIVE = ("dlq", "redrive", *DECISION, "--yes")
DISCARD = ("dlq", "discard", "--where", "older_than=0s", *DECISION, "--yes")
DISCARD_ONE = ("dlq", "discard", ORDER_ID, *DECISION, "--yes")
CHANGE_VISIBILITY = "change_message_visibility_batch"
REPLAY = ("order", "replay-events", ORDER_ID, "--yes")
# Each row: the command; the operation that refuses the first entry of a call; how many calls of this operation succeed
# before the first refusal; the exit code after one refusal; the exit code if the operation always refuses.
REFUSALS: list[tuple[tuple[str, ...], str, int, int, int]] = [
    (REDRIVE, "batch_get_item", 0, 0, 1),
    (REDRIVE, "send_message_batch", 0, 6, 6),
    (REDRIVE, "delete_message_batch", 0, 6, 6),
    (REDRIVE, "put_log_events", 0, 1, 1),
    (REDRIVE, "put_log_events", 1, 1, 1),
    (DISCARD, "batch_get_item", 0, 0, 1),
    (DISCARD, "delete_message_batch", 0, 6, 6),
    (DISCARD, "put_log_events", 0, 1, 1),
    (DISCARD, "put_log_events", 1, 1, 1),
    (DISCARD_ONE, "batch_get_item", 0, 0, 1),
    (DISCARD_ONE, "delete_message_batch", 0, 6, 6),
    (DISCARD_ONE, "put_log_events", 1, 1, 1),
    (REPLAY, "put_events", 0, 1, 1),
]


def places(stack: MockStack) -> dict[str, set[str]]:
    """Return for each order the queues that have its message (dead, waiting), and `discarded` if it is DISCARDED."""
    found = {each: {"discarded"} & {stack.order(each)["status"]["S"].lower()} for each in IDS}
    for name, url in (("dead", stack.dead_letters), ("waiting", stack.orders)):
        for message in stack.messages(url):
            found[json.loads(message["Body"])["order_id"]].add(name)
    return found


@pytest.mark.parametrize("often", ["once", "for ever"])
@pytest.mark.parametrize(("command", "refused", "after", "once", "for_ever"), REFUSALS)
def test_a_refused_entry_is_retried_or_reported_and_the_next_run_finishes(
    command: tuple[str, ...],
    refused: str,
    after: int,
    once: int,
    for_ever: int,
    often: str,
    stack: MockStack,
    capsys: pytest.CaptureFixture[str],
) -> None:
    # GIVEN two dead letters, and an operation that refuses its first entry. For REPLAY, one of the orders is settled
    if command is REPLAY:
        ROWS["order replay-events"][0].prepare(stack)
    run = typed(*command, outputs="bus.json" if command is REPLAY else "stack.json")
    # WHEN the command is run
    with InPart(refused, 1 if often == "once" else 1e9, after).answering() as answers:
        code, _ = run(stack, capsys)
    # THEN the exit code shows how the run ended, every GetItem and BatchGetItem was strongly consistent, and no
    # order is lost
    assert code == (once if often == "once" else for_ever)
    assert answers.stale.total() == 0
    assert all(places(stack).values())
    # WHEN the command runs again, and nothing is refused
    code, _ = run(stack, capsys)
    # THEN it finishes
    assert code == 0
    ended = places(stack)
    if command is REDRIVE:
        assert ended == {each: {"waiting"} for each in IDS}
    if command[1] == "discard":
        assert ended[ORDER_ID] == {"discarded"}


def test_a_message_that_stays_hidden_is_reported(stack: MockStack, capsys: pytest.CaptureFixture[str]) -> None:
    # GIVEN a queue that refuses to make its first message visible again
    with InPart(CHANGE_VISIBILITY, 1e9).answering():
        # WHEN dead letters are listed
        code = stack.run("dlq", "list")
    # THEN the command says that one message stays hidden for a while
    assert code == 0
    assert "messages that SQS did not release: 1." in capsys.readouterr().err


def test_every_operation_with_pages_or_refused_entries_has_a_case() -> None:
    # GIVEN the operations that `ops` and `runtime/store` call, and whose answers can have pages or refused entries
    used = called_operations_with_partial_answers(ROOT / "ops")
    used |= called_operations_with_partial_answers(ROOT / "runtime" / "store")
    # WHEN / THEN
    cases = set().union(*(pages for _, pages in READERS.values()), (refused for _, refused, *_ in REFUSALS))
    assert used == {*cases, CHANGE_VISIBILITY}, "give each operation a row in READERS or REFUSALS"


@pytest.mark.parametrize(
    "last",
    [
        {"MetricDataResults": [{"Id": "q0", "StatusCode": "PartialData", "Timestamps": [], "Values": []}]},
        {"MetricDataResults": [{"Id": "q0", "StatusCode": "InternalError", "Timestamps": [], "Values": []}]},
        {"MetricDataResults": [], "Messages": [{"Code": "MaxMetricsExceeded", "Value": "too many"}]},
    ],
    ids=["partial data", "an error status", "a message instead of data"],
)
def test_an_answer_of_cloudwatch_without_some_values_raises_an_error(last: dict[str, Any]) -> None:
    # GIVEN a last page that lacks values
    client: Any = SimpleNamespace(get_paginator=lambda _: SimpleNamespace(paginate=lambda **_: [last]))
    query, now = Query("count", "namespace", "metric", {}), datetime.now(UTC)
    # WHEN / THEN
    with pytest.raises(OpsError, match="CloudWatch"):
        Telemetry(client, client).values([query], now - timedelta(hours=1), now)
