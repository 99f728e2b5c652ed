"""Tests the alarms and the dashboard of every stack: the metrics that they use, and who is notified."""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

import pulumi
import pytest

from components.alarms.model import Alarm, Composite, Tier
from lab.recording.recording import ROOT, Recorded, Recording, record_stack
from lab.recording.stacks import environment_of, recorded
from lab.simulation.cloudwatch.evaluator_alarm import MetricAlarm, State
from lab.simulation.cloudwatch.metrics_data import AWS_METRICS, SERVICES, find, own_metrics
from lab.simulation.cloudwatch.registered import LIMITS, THRESHOLDS, composite_alarms, metric_alarms
from pipeline.alarms import alarm_table
from pipeline.functions import FUNCTIONS

METRIC_ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm"
COMPOSITE = "aws:cloudwatch/compositeAlarm:CompositeAlarm"
TOPIC = "aws:sns/topic:Topic"
NAMES = tuple(each.name for each in FUNCTIONS)
WITH_ALARMS = ("prod", "local")


def for_people(recording: Recording) -> tuple[Recorded, ...]:
    """Return the resources of the alarms for people. CodeDeploy's alarms are left out: they only stop deployments."""
    return tuple(each for each in recording.resources if each.name.startswith("alarms-"))


def alarm_inputs(recording: Recording) -> Iterable[Mapping[str, Any]]:
    """Return the inputs of every alarm for people."""
    return [each.inputs for each in for_people(recording) if each.type in {METRIC_ALARM, COMPOSITE}]


def names_of(recording: Recording, token: str) -> set[str]:
    """Return the physical names of all resources of a type."""
    return {each.inputs["name"] for each in recording.of_type(token)}


def alarm(recording: Recording, row: str) -> MetricAlarm:
    """Return the alarm of a row of the alarm table."""
    (found,) = (each for each in metric_alarms(recording.resources) if each.name.endswith(f"-{row}"))
    return found


def widgets_of(recording: Recording) -> list[dict[str, Any]]:
    """Return the dashboard's widgets."""
    widgets: list[dict[str, Any]] = recording.one("aws:cloudwatch/dashboard:Dashboard", "dashboard").document(
        "dashboardBody"
    )["widgets"]
    return widgets


@pytest.mark.parametrize("stack", WITH_ALARMS)
class TestEveryStackWithAlarms:
    def test_an_alarm_watches_published_metrics_of_the_stack_s_own_resources(self, stack: str) -> None:
        # GIVEN
        recording = recorded(stack)
        made = {
            "QueueName": names_of(recording, "aws:sqs/queue:Queue"),
            "FunctionName": names_of(recording, "aws:lambda/function:Function"),
            "TopicName": names_of(recording, TOPIC),
            "ApiId": {recording.state("aws:apigatewayv2/api:Api", "api")["id"]},
            "Stage": names_of(recording, "aws:apigatewayv2/stage:Stage"),
            "service": {environment_of(stack, each)["POWERTOOLS_SERVICE_NAME"] for each in NAMES},
        }
        namespace = environment_of(stack, "process-order")["POWERTOOLS_METRICS_NAMESPACE"]
        published = (*AWS_METRICS, *own_metrics(namespace))

        # WHEN
        keys = {query.key for each in metric_alarms(recording.resources) for query in each.metrics.values()}

        # THEN
        assert keys
        assert [key for key in keys if find(key, published) is None] == []
        assert [(name, value) for key in keys for name, value in key.dimensions if value not in made[name]] == []
        assert all(dict(key.dimensions)["service"] == SERVICES[key.name] for key in keys if key.namespace == namespace)

    def test_every_alarm_exists_except_those_that_the_stack_does_not_turn_on(self, stack: str) -> None:
        # GIVEN
        table = alarm_table(THRESHOLDS, LIMITS)
        listed: tuple[Alarm | Composite, ...] = (*table.alarms, *table.composites)
        rows = {f"orders-{stack}-{row.name}" for row in listed}

        # WHEN
        names = {each.get("name") or each["alarmName"] for each in alarm_inputs(recorded(stack))}

        # THEN
        optional = {f"orders-{stack}-{row}" for row in ("orders-missing", "intake-silent")}
        assert rows - names == (set() if stack == "local" else optional)
        assert names <= rows

    def test_every_alarm_description_links_to_a_runbook_section_that_exists(self, stack: str) -> None:
        # GIVEN / WHEN
        links = [each["alarmDescription"].rsplit(" Runbook: ", 1)[1] for each in alarm_inputs(recorded(stack))]

        # THEN
        for link in links:
            path, _, anchor = link.partition("#")
            assert f"\n## {anchor}\n" in (ROOT / path).read_text(encoding="utf-8"), link

    def test_an_alarms_start_and_end_are_sent_only_to_the_topic_of_its_tier(self, stack: str) -> None:
        # GIVEN
        recording = recorded(stack)
        topics = {recording.state(TOPIC, f"alarms-topics-{tier}")["arn"]: tier for tier in Tier}

        for each in alarm_inputs(recording):
            # WHEN
            notified = each.get("alarmActions") or []

            # THEN
            assert notified == (each.get("okActions") or [])
            assert not notified or [topics[arn] for arn in notified] == [each["alarmDescription"][1:].split("]")[0]]

    def test_an_alarm_without_a_topic_is_in_a_composite_with_a_topic(self, stack: str) -> None:
        # GIVEN
        resources = for_people(recorded(stack))
        composites = composite_alarms(resources)

        # WHEN
        without_action = [each.name for each in metric_alarms(resources) if not each.actions[State.ALARM]]

        # THEN
        assert without_action
        assert all(each.actions[State.ALARM] for each in composites)
        assert all(any(name in each.alarms() for each in composites) for name in without_action)

    def test_thresholds_follow_the_limits_of_the_stack(self, stack: str) -> None:
        # GIVEN
        recording = recorded(stack)
        mapping = recording.one("aws:lambda/eventSourceMapping:EventSourceMapping", "orders-consumer-mapping").inputs
        queue = recording.one("aws:sqs/queue:Queue", "orders-queue").inputs

        # WHEN
        thresholds = {row: alarm(recording, row).threshold for row in ("worker-concurrency", "queue-retention-half")}

        # THEN
        assert thresholds == {
            "worker-concurrency": 0.8 * mapping["scalingConfig"]["maximumConcurrency"],
            "queue-retention-half": queue["messageRetentionSeconds"] / 2,
        }

    def test_the_dashboard_shows_alarms_first_and_reads_only_log_groups_that_exist(self, stack: str) -> None:
        # GIVEN
        recording = recorded(stack)
        groups = names_of(recording, "aws:cloudwatch/logGroup:LogGroup")

        # WHEN
        widgets = widgets_of(recording)

        # THEN
        read = {name for w in widgets if w["type"] == "log" for name in re.findall("'([^']+)'", _sources(w))}
        assert widgets[0]["type"] == "alarm"
        assert read
        assert read <= groups
        assert {w["properties"]["region"] for w in widgets if "region" in w["properties"]} == {recording.region}


def _sources(widget: Mapping[str, Any]) -> str:
    return " ".join(re.findall("SOURCE '[^']+'", widget["properties"]["query"]))


def test_a_stack_without_alarms_has_a_dashboard_without_alarms() -> None:
    # GIVEN
    recording = recorded("dev")

    # WHEN
    kinds = [widget["type"] for widget in widgets_of(recording)]

    # THEN
    assert list(alarm_inputs(recording)) == []
    assert not [each for each in recording.of_type(TOPIC) if "alarms" in each.name]
    assert recording.outputs["alarm_topic_arns"] == {}
    assert "alarm" not in kinds
    assert kinds.count("metric") > 30


def test_receivers_and_thresholds_and_links_come_from_configuration() -> None:
    # GIVEN
    given = {
        "orders:alarm_page_subscriptions": json.dumps(["https=https://pager.example.com/hook"]),
        "orders:alarm_ticket_subscriptions": json.dumps(["email=team@example.com"]),
        "orders:alarm_thresholds": json.dumps(["api_4xx_percent=2.5"]),
        "orders:runbook_base_url": "https://wiki.example.com/runbooks/",
    }

    # WHEN
    recording = record_stack("prod", given)

    # THEN
    subscribed = {
        (each.inputs["topic"].rsplit("-", 1)[1], each.inputs["protocol"], each.inputs["endpoint"])
        for each in recording.of_type("aws:sns/topicSubscription:TopicSubscription")
    }
    assert subscribed == {("page", "https", "https://pager.example.com/hook"), ("ticket", "email", "team@example.com")}
    assert alarm(recording, "api-4xx-surge").threshold == 2.5
    assert all(
        " Runbook: https://wiki.example.com/runbooks/" in each["alarmDescription"] for each in alarm_inputs(recording)
    )
    assert not any("//" in each["alarmDescription"].split("https://")[1] for each in alarm_inputs(recording))


@pytest.mark.parametrize(
    ("stack", "given", "warns"),
    [
        ("prod", {}, True),
        (
            "prod",
            {
                "orders:alarm_page_subscriptions": '["sms=+4930123456"]',
                "orders:runbook_base_url": "https://a.example.com",
            },
            False,
        ),
        ("dev", {}, False),
        ("dev", {"orders:alarms": "true"}, True),
        ("local", {}, False),
    ],
    ids=["prod", "prod with a subscription", "dev without alarms", "dev with alarms", "local stack with alarms"],
)
def test_preview_warns_if_a_stack_in_aws_has_alarms_and_nobody_is_subscribed_to_pages(
    monkeypatch: pytest.MonkeyPatch, stack: str, given: dict[str, str], warns: bool
) -> None:
    # GIVEN
    warned: list[str] = []
    monkeypatch.setattr(pulumi.log, "warn", lambda message, *_args, **_kwargs: warned.append(message))

    # WHEN
    record_stack(stack, given)

    # THEN
    found = [message for message in warned if "nobody is subscribed to pages" in message]
    assert len(found) == warns
    assert all("orders:alarm_page_subscriptions" in message for message in found)
