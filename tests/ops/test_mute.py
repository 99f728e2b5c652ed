"""Tests, with moto, how alarms are muted for planned work. mock_stack.py fakes the mute rules."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError

from tests.ops.factories import DECISION
from tests.ops.mock_stack import MockStack, account
from tests.ops.test_without_yes import alarm


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[MockStack]:
    """A stack with two alarms that page."""
    with account(tmp_path) as made:
        for name in ("api-failing", "dead-letters"):
            alarm(made, f"orders-prod-{name}")
        yield made


@pytest.mark.parametrize(("duration", "code"), [("59s", 2), ("1m", 0), ("15d", 0), ("361h", 2)])
def test_an_alarm_can_be_muted_for_a_minute_to_fifteen_days(stack: MockStack, duration: str, code: int) -> None:
    # GIVEN / WHEN / THEN
    assert stack.run("mute", "on", "--for", duration, *DECISION) == code


def test_muted_alarms_are_shown_until_the_mute_ends(stack: MockStack, capsys: pytest.CaptureFixture[str]) -> None:
    # GIVEN alarms that are muted for planned work
    assert stack.run("mute", "on", "--for", "2h", *DECISION, "--yes") == 0
    rule = stack.cloudwatch.get_alarm_mute_rule(
        AlarmMuteRuleName=stack.cloudwatch.list_alarm_mute_rules()["AlarmMuteRuleSummaries"][0][
            "AlarmMuteRuleArn"
        ].rpartition(":")[2]
    )

    # WHEN somebody looks at status and at the list of mutes
    capsys.readouterr()
    stack.run("status")
    output = capsys.readouterr().out
    stack.run("mute", "list")
    listed = capsys.readouterr().out

    # THEN both show until when the alarms are muted, by whom and why
    assert rule["Rule"]["Schedule"]["Duration"] == "PT120M"
    assert sorted(rule["MuteTargets"]["AlarmNames"]) == ["orders-prod-api-failing", "orders-prod-dead-letters"]
    until = f"until {rule['ExpireDate']:%Y-%m-%d %H:%M} UTC, by Ada: a test"
    assert f"?  muted alarms: 2, {until}" in output
    assert until in listed

    # WHEN the mute is ended
    assert stack.run("mute", "off", "--yes") == 0

    # THEN no alarm is muted
    capsys.readouterr()
    stack.run("mute", "list", "--json")
    assert json.loads(capsys.readouterr().out) == []


def test_one_alarm_can_be_muted_and_rules_made_elsewhere_are_kept(
    stack: MockStack, capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN a rule that somebody made in the console for one of the alarms, and a rule for another stack's alarm
    for name, target in (("console", "orders-prod-api-failing"), ("others", "payments-prod-failing")):
        schedule = {"Expression": "cron(0 2 * * *)", "Duration": "PT1H"}
        targets = {"AlarmNames": [target]}
        stack.cloudwatch.put_alarm_mute_rule(Name=name, Rule={"Schedule": schedule}, MuteTargets=targets)

    # WHEN the stack's other alarm is muted, and then the stack's mutes are ended
    assert stack.run("mute", "on", "--for", "15m", "--alarm", "dead-letters", *DECISION, "--yes") == 0
    muted = capsys.readouterr().out
    assert stack.run("mute", "off", "--yes") == 0

    # THEN the rule from the console is reported, and both rules are kept, because `mute on` did not make them
    assert muted.startswith("alarms: 1;")
    output = "".join(capsys.readouterr())
    assert "not ended: console" in output
    assert "others" not in output
    assert len(stack.cloudwatch.list_alarm_mute_rules()["AlarmMuteRuleSummaries"]) == 2
    assert stack.run("mute", "on", "--for", "15m", "--alarm", "nothing", *DECISION, "--yes") == 5


@pytest.mark.parametrize("duration", ["30s", "16d"])
def test_a_duration_that_cloudwatch_does_not_allow_is_refused(duration: str, stack: MockStack) -> None:
    # GIVEN / WHEN / THEN
    assert stack.run("mute", "on", "--for", duration, *DECISION, "--yes") == 2


def test_an_endpoint_without_mute_rules_is_reported(
    stack: MockStack, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN an endpoint without CloudWatch's operations for mute rules, such as the embedded AWS
    real = vars(BaseClient)["_make_api_call"]

    def unknown(client: Any, operation: str, given: Any) -> Any:
        if "MuteRule" in operation:
            raise ClientError({"Error": {"Code": "InvalidAction", "Message": "Unknown action"}}, operation)
        return real(client, operation, given)

    monkeypatch.setattr(BaseClient, "_make_api_call", unknown)

    # WHEN / THEN muting is refused, and the other commands work
    assert stack.run("mute", "on", "--for", "1h", *DECISION, "--yes") == 5
    refusal = capsys.readouterr().err
    assert "does not support mute rules: it may be the embedded AWS" in refusal
    assert "evaluates" not in refusal
    assert stack.run("mute", "list") == stack.run("status") == 0
