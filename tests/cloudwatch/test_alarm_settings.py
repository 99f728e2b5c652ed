"""Tests that receivers and thresholds of alarms are applied, and that unusable ones are refused."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic.fields import FieldInfo

from components.alarms.model import Alarm
from components.alarms.settings import AlarmSubscription
from lab.recording.fake_outputs import ACCOUNT
from lab.simulation.cloudwatch.registered import LIMITS, SUBSCRIBED, THRESHOLDS, register_alarms
from pipeline.alarms import alarm_table
from pipeline.config import StackConfig
from pipeline.config.alarm_thresholds import AlarmThresholds, changed_thresholds

# For each threshold: the rows of the alarm table that change with it, and the new number in each row. The test sets a
# percentage to 41.5 and any other threshold to 10,007.
MOVED: dict[str, dict[str, float]] = {
    "attempt_failure_percent": {"attempt-failure-rate": 41.5},
    "rate_minimum_events": dict.fromkeys(
        (
            *("accepting-14x-1h", "settling-14x-1h", "settling-14x-5m", "settling-6x-30m", "settling-3x-2h"),
            *("settling-1x-6h", "attempt-failure-rate"),
        ),
        10_007,
    ),
    "slow_burn_minimum_events": dict.fromkeys(
        (f"{objective}-{burn}" for objective in ("accepting", "settling") for burn in ("6x-6h", "3x-1d", "1x-3d")),
        10_007,
    ),
    "api_4xx_percent": {"api-4xx-surge": 41.5},
    "api_4xx_minimum": {"api-4xx-surge": 10_007},
    "api_p99_ms": {"api-latency": 10_007},
    "concurrency_percent": {"worker-concurrency": 5, "account-concurrency": 415},
    "account_concurrency": {"account-concurrency": 8_006},
    "certificate_days": {"certificate-expiry": 10_007},
    "idempotency_conflicts": {"idempotency-conflicts": 10_007},
    "idempotency_mismatches": {"idempotency-mismatches": 10_007},
    "rejected_percent": {"rejection-rate": 41.5},
    "rejected_minimum": {"rejection-rate": 10_007},
    "expected_orders_per_hour": {"orders-missing": 5_003.5},
}


@pytest.mark.parametrize(("name", "declared"), AlarmThresholds.model_fields.items())
def test_a_threshold_changes_exactly_the_rows_that_use_it(name: str, declared: FieldInfo) -> None:
    # GIVEN
    other = THRESHOLDS.model_copy(update={name: 41.5 if declared.annotation is float else 10_007})

    # WHEN
    before, after = (alarm_table(each, LIMITS, certificate=True).alarms for each in (THRESHOLDS, other))
    moved = {new.name: (was, new) for was, new in zip(before, after, strict=True) if numbers(was) != numbers(new)}

    # THEN
    found = {row: set(numbers(new)) - set(numbers(was)) for row, (was, new) in moved.items()}
    assert found == {row: {value} for row, value in MOVED[name].items()}


def numbers(row: Alarm) -> list[float]:
    """Return the limits in an alarm's row: its threshold, and each number after `>=` in its expression."""
    return [float(row.threshold.value), *map(float, re.findall(r">= ([\d.]+)", row.expression or ""))]


def test_a_receiver_is_split_at_its_first_equals_sign() -> None:
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


def test_changed_thresholds_do_not_change_the_other_thresholds() -> None:
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
        ("rate_minimum_events=1.5", "for rate_minimum_events, a valid integer$"),
        ("api_p99_ms=", "a valid integer$"),
    ],
)
def test_an_unusable_threshold_is_refused(text: str, message: str) -> None:
    # GIVEN / WHEN / THEN
    with pytest.raises(ValueError, match=message):
        changed_thresholds((text,))


def test_topics_are_encrypted_only_if_a_key_is_given() -> None:
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
def test_the_worker_concurrency_threshold_is_80_percent_of_the_limit_and_rounded_up(most: int, alarming: int) -> None:
    # GIVEN
    limits = replace(LIMITS, worker_concurrency=most)

    # WHEN
    (row,) = [each for each in alarm_table(AlarmThresholds(), limits).alarms if each.name == "worker-concurrency"]

    # THEN
    assert row.threshold.value == alarming


def test_runbooks_name_only_options_that_exist() -> None:
    # GIVEN
    folder = Path(__file__).parents[2] / "docs" / "runbooks"
    text = "\n".join(page.read_text(encoding="utf-8") for page in folder.glob("*.md"))

    # WHEN
    options = re.findall(r"(?:[Rr]aise|[Ll]ower) `([^`]+)`", text)

    # THEN
    assert options
    assert set(options) <= set(StackConfig.model_fields) | set(AlarmThresholds.model_fields)
