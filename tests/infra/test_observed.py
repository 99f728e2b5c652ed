"""Options of logs and traces on recorded resources: each is found where it has its effect, with the value given."""

from typing import Any

import pytest

from lab.recording.recording import Recording
from lab.recording.stacks import FUNCTION, recorded_with

pytestmark = pytest.mark.long

LOGS = "aws:cloudwatch/logGroup:LogGroup"
EDGE = {"orders:waf": "true", "orders:origin_secret": "0123456789abcdef0123456789abcdef"}


def variables(recording: Recording) -> list[dict[str, Any]]:
    return [each.inputs["environment"]["variables"] for each in recording.of_type(FUNCTION)]


@pytest.mark.parametrize("days", [3, 365])
def test_every_log_group_keeps_its_lines_as_long_as_configured(days: int) -> None:
    # GIVEN a stack with each kind of log group: functions, API, firewall
    recording = recorded_with("prod", {**EDGE, "orders:log_retention_days": str(days)})

    # WHEN
    kept = {each.name: each.inputs["retentionInDays"] for each in recording.of_type(LOGS)}

    # THEN
    assert len(kept) == 5
    assert set(kept.values()) == {days}


@pytest.mark.parametrize(("tracing", "mode"), [("true", "Active"), ("false", "PassThrough")])
def test_every_function_is_traced_as_configured(tracing: str, mode: str) -> None:
    # GIVEN / WHEN
    recording = recorded_with("dev", {"orders:tracing": tracing})

    # THEN
    assert {each.inputs["tracingConfig"]["mode"] for each in recording.of_type(FUNCTION)} == {mode}


@pytest.mark.parametrize(("percent", "rate"), [(0, "0"), (1, "0.01"), (25, "0.25"), (100, "1")])
def test_the_share_that_logs_at_debug_reaches_every_function_as_a_fraction(percent: int, rate: str) -> None:
    # GIVEN / WHEN
    recording = recorded_with("dev", {"orders:debug_log_percent": str(percent)})

    # THEN
    assert {each["POWERTOOLS_LOGGER_SAMPLE_RATE"] for each in variables(recording)} == {rate}


@pytest.mark.parametrize("level", ["DEBUG", "ERROR"])
def test_the_level_of_logs_reaches_every_function(level: str) -> None:
    # GIVEN / WHEN
    recording = recorded_with("dev", {"orders:log_level": level})

    # THEN
    assert {each["POWERTOOLS_LOG_LEVEL"] for each in variables(recording)} == {level}
