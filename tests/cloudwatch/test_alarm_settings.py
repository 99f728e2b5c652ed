"""The alarms' settings: what they become, and what is refused because it would silence alarms."""

from typing import Any

import pytest
from pydantic import ValidationError

from components.alarms.flat import alarm_settings
from components.alarms.settings import AlarmSettings, AlarmSubscription
from tests.cloudwatch.registered import register_alarms


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"topic_kms_key_arn": "alias/aws/sns"}, "customer managed key"),
        ({"page": [{"protocol": "https", "endpoint": "http://x"}]}, "https://"),
        ({"page": [{"protocol": "email", "endpoint": "x"}]}, "e-mail address"),
        ({"thresholds": {"api_5xx_percent": 0}}, "greater than 0"),
        ({"pages": []}, "Extra inputs"),
    ],
)
def test_settings_that_would_silence_alarms_are_refused(settings: dict[str, Any], message: str) -> None:
    # GIVEN / WHEN / THEN
    with pytest.raises(ValidationError, match=message):
        AlarmSettings.model_validate(settings)


def test_a_stack_without_a_receiver_for_pages_warns(monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN
    warned: list[str] = []

    def warn(message: str, resource: object = None) -> None:
        warned.append(message)

    monkeypatch.setattr("pulumi.log.warn", warn)

    # WHEN
    register_alarms(AlarmSettings())
    register_alarms(AlarmSettings(page=(AlarmSubscription(protocol="email", endpoint="oncall@example.org"),)))

    # THEN
    assert len(warned) == 1
    assert "nobody is subscribed to pages" in warned[0]


def flat(**overrides: Any) -> AlarmSettings:
    values: dict[str, Any] = {
        "page": ["https=https://pager.example.org/hook?team=orders"],
        "notify": [],
        "ticket": [],
        "thresholds": ["api_5xx_percent=2.5", "expected_orders_per_hour=20"],
        "topic_kms_key_arn": "",
        "runbook_base_url": "https://runbooks.example.org",
    }
    return alarm_settings(**(values | overrides))


def test_flat_configuration_becomes_settings() -> None:
    # GIVEN / WHEN
    settings = flat()

    # THEN
    assert settings.page[0].endpoint == "https://pager.example.org/hook?team=orders"
    assert settings.thresholds.api_5xx_percent == 2.5
    assert settings.thresholds.expected_orders_per_hour == 20
    assert settings.topic_kms_key_arn is None


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"page": ["pager"]}, "alarm_page_subscriptions: given 'pager'"),
        ({"notify": ["fax=123"]}, "fax"),
        ({"thresholds": ["api_6xx_percent=1"]}, "given 'api_6xx_percent'; allowed: .*api_5xx_percent"),
        ({"thresholds": ["api_5xx_percent=101"]}, "less than or equal to 100"),
        ({"thresholds": ["api_p99_ms=1", "api_p99_ms=2"]}, "twice"),
    ],
)
def test_flat_configuration_that_is_wrong_is_refused(overrides: dict[str, Any], message: str) -> None:
    # GIVEN / WHEN / THEN
    with pytest.raises(ValueError, match=message):
        flat(**overrides)
