"""Receivers and thresholds: what they become, and what is refused because it would silence alarms."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from components.alarms.settings import AlarmSubscription
from lab.recording.fake_outputs import ACCOUNT
from lab.simulation.cloudwatch.registered import LIMITS, SUBSCRIBED, register_alarms
from pipeline.alarms import alarm_table
from pipeline.config import StackConfig
from pipeline.config.alarm_thresholds import AlarmThresholds, changed_thresholds


def test_a_receiver_is_a_protocol_and_an_endpoint_that_may_hold_the_separator() -> None:
    # GIVEN / WHEN
    receiver = AlarmSubscription.parse("https=https://pager.example.org/hook?team=orders")

    # THEN
    assert receiver == AlarmSubscription("https", "https://pager.example.org/hook?team=orders")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("pager", "given 'pager'; allowed: protocol=endpoint"),
        ("fax=123", "given protocol 'fax'"),
        ("https=http://pager.example.org", "https://"),
        ("email=oncall", "an e-mail address"),
        ("sms=12345678", r"\+4930123456"),
        (f"sqs=arn:aws:sqs:eu-west-1:{ACCOUNT}:pages.fifo", "a standard queue"),
        ("lambda=arn:aws:sqs:eu-west-1:1:x", "the ARN of a function"),
    ],
)
def test_a_receiver_that_sns_could_not_reach_is_refused(text: str, message: str) -> None:
    # GIVEN / WHEN / THEN
    with pytest.raises(ValueError, match=message):
        AlarmSubscription.parse(text)


def test_changed_thresholds_leave_the_others_alone() -> None:
    # GIVEN / WHEN
    thresholds = changed_thresholds(("api_4xx_percent=2.5", "expected_orders_per_hour=20"))

    # THEN
    assert thresholds == AlarmThresholds(api_4xx_percent=2.5, expected_orders_per_hour=20)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("api_4xx_percent", "allowed: name=value"),
        ("api_6xx_percent=1", "given 'api_6xx_percent=1'; allowed: .*api_4xx_percent"),
        ("api_4xx_percent=101", "for api_4xx_percent, less than or equal to 100"),
        ("api_4xx_percent=0", "greater than 0"),
        ("rate_minimum_events=1.5", "for rate_minimum_events, a valid integer"),
        ("api_p99_ms=", "a valid integer"),
    ],
)
def test_a_threshold_that_could_never_or_always_alarm_is_refused(text: str, message: str) -> None:
    # GIVEN / WHEN / THEN
    with pytest.raises(ValueError, match=message):
        changed_thresholds((text,))


def test_topics_are_encrypted_with_the_given_key_only() -> None:
    # GIVEN
    key = f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/1234"

    # WHEN
    keys = [
        {r.inputs.get("kmsMasterKeyId") for r in register_alarms(settings) if r.type.endswith(":Topic")}
        for settings in (SUBSCRIBED, SUBSCRIBED.model_copy(update={"topic_kms_key_arn": key}))
    ]

    # THEN
    assert keys == [{None}, {key}]


@pytest.mark.parametrize(("most", "alarming"), [(2, 2), (3, 3), (10, 8), (1_000, 800)])
def test_a_worker_is_close_to_its_limit_only_at_the_share_that_is_configured(most: int, alarming: int) -> None:
    # GIVEN
    limits = replace(LIMITS, worker_concurrency=most)

    # WHEN
    (row,) = [each for each in alarm_table(AlarmThresholds(), limits).alarms if each.name == "worker-concurrency"]

    # THEN
    assert row.threshold.value == alarming


def test_a_runbook_that_has_an_option_changed_calls_it_by_its_name() -> None:
    # GIVEN
    folder = Path(__file__).parents[2] / "docs" / "runbooks"
    text = "\n".join(page.read_text(encoding="utf-8") for page in folder.glob("*.md"))

    # WHEN
    options = re.findall(r"(?:[Rr]aise|[Ll]ower) `([^`]+)`", text)

    # THEN
    assert options
    assert set(options) <= set(StackConfig.model_fields) | set(AlarmThresholds.model_fields)
