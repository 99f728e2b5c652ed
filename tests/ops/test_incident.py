"""Tests the incident that `make incident` plays."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from lab.simulation.cloudwatch.evaluator import AlarmRun
from lab.simulation.cloudwatch.evaluator_metrics import MetricStore
from lab.simulation.cloudwatch.registered import PREFIX, composite_alarms, metric_alarms, register_alarms
from lab.simulation.cloudwatch.scenarios import START, own, sqs
from local.client import LocalStack
from local.demo.transcript import Transcript
from local.incident import CONFIG, ORDERS, PAGES, commands_of, play
from runtime.metric import MetricName


def test_the_incident_reads_its_commands_from_the_runbook() -> None:
    # GIVEN the runbook to which the incident's last page (the message to the person on call) links
    # WHEN its commands are read
    commands = commands_of("dead-letters.md", "dead-letters")
    # THEN the first one lists the dead letters, and the last one redrives them
    assert commands[0] == "python -m ops dlq list"
    assert commands[-1] == 'python -m ops dlq redrive --by "$NAME" --reason "$REASON" --yes'


def test_the_alarms_cause_the_pages_of_the_incident() -> None:
    # GIVEN an idle stack, and then a minute in which all attempts fail and every order becomes a dead letter
    store, registered, begin = MetricStore(), register_alarms(), START + 60 * 60
    for minute in range(120):
        at, dead = START + 60 * minute, ORDERS if minute >= 60 else 0
        store.put(sqs("ApproximateNumberOfMessagesVisible", "dead_letter_queue"), at, dead, "Count")
        store.put(sqs("ApproximateNumberOfMessagesNotVisible", "dead_letter_queue"), at, 0, "Count")
    receives = {MetricName.ORDER_ACCEPTED: 1, MetricName.ATTEMPT_FAILED: 5, MetricName.LAST_ATTEMPT_FAILED: 1}
    for metric, times in receives.items():
        store.put(own(metric), begin, times * ORDERS, "Count")

    # WHEN the alarms are evaluated
    run = AlarmRun(store, metric_alarms(registered), composite_alarms(registered)).run(START, begin + 3540)

    # THEN the pages are those of the incident, in the same order, and no page comes before the alarms that cause it
    paged = [one for one in run.notices if one.at >= begin and one.target.endswith("-page") and one.state == "ALARM"]
    assert [one.alarm for one in paged] == [f"{PREFIX}-{name}" for name in PAGES]
    for page, members in zip(paged, PAGES.values(), strict=True):
        raised = {one.alarm for one in run.changes if one.at <= page.at and one.state == "ALARM"}
        assert {f"{PREFIX}-{name}" for name in members} <= raised


@pytest.mark.e2e
@pytest.mark.long
def test_the_runbooks_commands_end_the_incident(tmp_path: Path) -> None:
    # GIVEN a separate stack
    output = io.StringIO()
    transcript = Transcript(Console(file=output))
    with LocalStack.started(tmp_path, warm_workers=1, config=CONFIG) as stack:
        # WHEN the incident is played
        play(stack, transcript)
    # THEN every check of the transcript succeeds, and every guarantee holds
    assert transcript.ok, output.getvalue()
