"""Receivers and thresholds: what they become, and what is refused because it would silence alarms."""

import pytest

from components.alarms.settings import AlarmSubscription
from components.config.alarm_thresholds import AlarmThresholds, changed_thresholds
from tests.cloudwatch.registered import ACCOUNT, SUBSCRIBED, register_alarms


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
    thresholds = changed_thresholds(("api_5xx_percent=2.5", "expected_orders_per_hour=20"))

    # THEN
    assert thresholds == AlarmThresholds(api_5xx_percent=2.5, expected_orders_per_hour=20)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("api_5xx_percent", "allowed: name=value"),
        ("api_6xx_percent=1", "given 'api_6xx_percent=1'; allowed: .*api_5xx_percent"),
        ("api_5xx_percent=101", "for api_5xx_percent, less than or equal to 100"),
        ("api_5xx_percent=0", "greater than 0"),
        ("backlog_messages=1.5", "for backlog_messages, a valid integer"),
        ("oldest_message_seconds=", "a valid integer"),
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
