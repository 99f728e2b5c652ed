"""Reads a deployed stack's alarms for our own evaluator of alarms (lab/simulation/cloudwatch).

Receives the emulator's notifications in queues, and records whether tests saw each alarm fire, notify and recover.
"""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Final

from components.alarms.model import Tier
from lab.simulation.cloudwatch.causes import Emitted, read_emf
from lab.simulation.cloudwatch.evaluator_alarm import MetricAlarm
from lab.simulation.cloudwatch.evaluator_composite import CompositeAlarm
from lab.simulation.cloudwatch.evaluator_metrics import MetricKey
from lab.simulation.cloudwatch.registered import WATCHED, composite_alarms, metric_alarms
from local.client import LocalStack
from local.demo.account import wait_for
from local.instance import ROOT
from local.logs import log_groups, read_lines

REPORT: Final = ROOT / ".build" / "alarms-shown.md"
COLUMNS: Final = ("fires", "notifies", "recovers")


@dataclass(frozen=True)
class Notification:
    """A notification as a subscriber of an alarm topic receives it."""

    tier: Tier
    alarm: str
    state: str
    description: str


@dataclass
class DeployedAlarms:
    """The alarms of a running stack."""

    stack: LocalStack
    metric: Mapping[str, MetricAlarm] = field(init=False)
    composite: Mapping[str, CompositeAlarm] = field(init=False)

    def __post_init__(self) -> None:
        resources = [SimpleNamespace(type=each["type"], inputs=each["state"]) for each in self.stack.resources]
        self.metric = {alarm.name: alarm for alarm in metric_alarms(resources)}
        self.composite = {alarm.name: alarm for alarm in composite_alarms(resources)}

    @property
    def prefix(self) -> str:
        """Return the prefix of the physical names of this stack's resources."""
        name: str = self.stack.outputs["dashboard"]
        return name

    def watched(self) -> dict[str, str]:
        """Return the physical name of each resource that the alarms watch.

        The names come from the stack's outputs and resources.
        """
        outputs = self.stack.outputs
        (api,) = (each for each in self.stack.resources if each["type"] == "aws:apigatewayv2/api:Api")
        names = {key: outputs[key] for key in WATCHED if key.endswith(("_function", "_table"))}
        return names | {
            "queue": outputs["orders_queue_url"].rsplit("/", 1)[1],
            "dead_letter_queue": outputs["dead_letter_queue_url"].rsplit("/", 1)[1],
            "notifications_topic": outputs["notifications_topic_arn"].rsplit(":", 1)[1],
            "api_id": api["id"],
            "api_stage": "$default",
            "metrics_namespace": self.prefix,
        }

    def in_scenario(self, row: str) -> MetricAlarm:
        """Return the alarm named `row`, with the resource names of `WATCHED` instead of this stack's names.

        The scenarios publish data under the names of `WATCHED`. Metrics that no scenario uses keep
        this stack's resource names, so they get no data.
        """
        alarm = self.metric[f"{self.prefix}-{row}"]
        metrics = {
            identifier: replace(query, key=self.in_scenario_name(query.key))
            for identifier, query in alarm.metrics.items()
        }
        return replace(alarm, metrics=metrics)

    def in_scenario_name(self, key: MetricKey) -> MetricKey:
        """Return the metric, with the resource names of `WATCHED` instead of this stack's names."""
        watched = self.watched()
        names = {watched[each]: WATCHED[each] for each in WATCHED if each in watched}
        dimensions = {name: names.get(value, value) for name, value in key.dimensions}
        return MetricKey.of(names.get(key.namespace, key.namespace), key.name, dimensions)


class Receivers:
    """A queue per tier, subscribed to the tier's alarm topic."""

    def __init__(self, stack: LocalStack) -> None:
        self._aws = stack.aws
        self._urls: dict[Tier, str] = {}
        for tier in Tier:
            topic = stack.outputs["alarm_topic_arns"][tier]
            url = self._aws.sqs.create_queue(QueueName=f"alarm-receiver-{tier}")["QueueUrl"]
            arn = self._aws.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"][
                "QueueArn"
            ]
            self._aws.sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": _queue_policy(topic, arn)})
            self._aws.sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, ReturnSubscriptionArn=True)
            self._urls[tier] = url

    def set_state(self, alarm: str, state: str) -> None:
        """Set the emulator's alarm to this state."""
        self._aws.cloudwatch.set_alarm_state(AlarmName=alarm, StateValue=state, StateReason="decided by the evaluator")  # type: ignore[arg-type] # one of CloudWatch's three states

    def receive_until(self, alarm: str, state: str) -> list[Notification]:
        """Receive notifications until one says that `alarm` is in `state`. Return all that have arrived.

        Raises:
            LocalError: this notification does not arrive within 10 s.
        """
        received: list[Notification] = []

        def has_arrived() -> bool:
            received.extend(self.receive())
            return any((each.alarm, each.state) == (alarm, state) for each in received)

        wait_for(f"the notification that {alarm} is {state}", has_arrived, 10)
        return received

    def receive(self) -> list[Notification]:
        """Return the notifications that have arrived since the last call."""
        return [each for tier, url in self._urls.items() for each in self._receive(tier, url)]

    def _receive(self, tier: Tier, url: str) -> Iterator[Notification]:
        while messages := self._aws.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                self._aws.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
                text = json.loads(json.loads(message["Body"])["Message"])
                yield Notification(tier, text["AlarmName"], text["NewStateValue"], text["AlarmDescription"])


def _queue_policy(topic: str, queue: str) -> str:
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": queue,
        "Condition": {"ArnEquals": {"aws:SourceArn": topic}},
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def emitted(stack: LocalStack, function: str, since: datetime) -> list[Emitted]:
    """Return the metrics that a deployed function has written to its log since `since`."""
    lines = read_lines(stack.aws, log_groups(stack.state, function), since)
    documents = [json.loads(line.message) for line in lines if line.message.startswith("{")]
    return [each for document in documents if "_aws" in document for each in read_emf(document)]


@dataclass
class Shown:
    """A table of what each alarm did in the tests: whether it fired, notified and recovered (`COLUMNS`)."""

    columns: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    causes: dict[str, str] = field(default_factory=dict)

    @contextmanager
    def showing(self, alarm: str, *columns: str) -> Iterator[None]:
        """Mark these columns as shown for the alarm, if the block ends without an exception."""
        yield
        self.columns[alarm].update(columns)

    def write(self, path: Path, names: list[str]) -> str:
        """Write the table and return its one-line summary."""
        rows = [
            f"| {name} | {self.causes.get(name, 'published metrics')} | "
            + " | ".join("shown" if column in self.columns[name] else "**not shown**" for column in COLUMNS)
            + " |"
            for name in names
        ]
        head = f"| alarm | cause | {' | '.join(COLUMNS)} |\n|---|---|{'---|' * len(COLUMNS)}\n"
        path.parent.mkdir(parents=True, exist_ok=True)
        title = "# What the last test run showed of each alarm\n\n"
        path.write_text(title + head + "\n".join(rows) + "\n", encoding="utf-8")
        whole = sum(set(COLUMNS) <= self.columns[name] for name in names)
        return f"{whole} of {len(names)} alarms shown to fire, to notify and to recover: {path.relative_to(ROOT)}"


def total(metrics: list[Emitted], name: str) -> float:
    """Return the sum of a metric's values."""
    return sum(sum(each.values) for each in metrics if each.key.name == name)
