"""Tests which configurations the program refuses, and the messages. After a refusal it registers nothing."""

import json
from typing import get_origin

import pytest

from lab.recording.recording import read_stack_file, record_refused, record_stack
from pipeline.config import ConfigError
from pipeline.config.stack_config import StackConfig
from tests.infra.config_factory import only_problem, refused


@pytest.mark.parametrize(
    "overrides",
    [{"orders:batch_size": "0"}, {"orders:queue_visibility_seconds": "1"}, {"orders:batch_sise": "10"}],
    ids=["field", "rule", "unknown key"],
)
def test_nothing_is_registered_with_a_bad_configuration(overrides: dict[str, str]) -> None:
    # GIVEN
    key = next(iter(overrides))

    # WHEN
    recording, error = record_refused("dev", overrides)

    # THEN
    assert isinstance(error, ConfigError)
    assert key in str(error)
    assert recording.resources == []
    assert recording.outputs == {}


def test_production_without_an_authorizer_is_refused_and_the_message_names_the_option_that_allows_it() -> None:
    # GIVEN
    overrides = {"orders:authorizer": "none", "orders:token_clients": "[]"}

    # WHEN
    recording, error = record_refused("prod", overrides)

    # THEN
    assert "orders:allow_anonymous" in str(error)
    assert recording.resources == []


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ({"oders:alarms": "false"}, "orders:alarms"),
        ({"Orders:batch_sise": "1"}, "orders:batch_size"),
        ({"order:zzz": "1"}, "orders:zzz"),
        # After the project is renamed, the keys in its stack files still have the old name. Pulumi would ignore them.
        ({"shop:alarms": "false", "shop:owner": "us"}, "orders:owner"),
    ],
)
def test_a_key_in_a_wrong_namespace_is_refused_and_the_message_names_the_right_key(
    given: dict[str, str], meant: str
) -> None:
    # GIVEN / WHEN
    recording, error = record_refused("dev", given)

    # THEN
    assert isinstance(error, ConfigError)
    assert len(error.problems) == len(given)
    assert all(f"given the key {key}" in str(error) for key in given)
    assert f"change it to {meant}" in str(error)
    assert recording.resources == []


def test_wrong_keys_and_plain_secrets_and_wrong_values_are_reported_together(monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN a key in a wrong namespace, a secret that is in plain text and too short, and two wrong values. The worker
    # timeout is also too long for the visibility timeout
    monkeypatch.setattr("pipeline.config.secrets.is_config_secret", lambda _key: False)
    overrides = {
        "oders:queue_visibility_seconds": "600",
        "orders:worker_timeout_seconds": "600",
        "orders:origin_secret": "short",
        "orders:batch_size": "0",
        "orders:batch_window_seconds": "x",
        "orders:waf": "true",
    }

    # WHEN
    _, error = record_refused("dev", overrides)

    # THEN all are reported except the timeout. The rule about it also reads
    # `queue_visibility_seconds` and `batch_window_seconds`. Neither was given correctly, so the
    # rule is not checked
    assert isinstance(error, ConfigError)
    found = [(problem.keys[:1], problem.given) for problem in error.problems]
    assert ((), "the key oders:queue_visibility_seconds") in found
    assert [key for key, _ in found].count(("origin_secret",)) == 2
    assert {key for key, _ in found} == {(), ("origin_secret",), ("batch_size",), ("batch_window_seconds",)}


@pytest.mark.parametrize(
    "overrides",
    [
        {"aws:profile": "somebody", "pulumi:tags": "{}"},
        {"github:owner": "us"},
        {"github:owner": "us", "github:token": "t"},
    ],
)
def test_keys_of_other_programs_are_ignored(overrides: dict[str, str]) -> None:
    # GIVEN / WHEN
    recording = record_stack("dev", overrides)

    # THEN
    assert recording.resources


def test_configuration_from_the_environment_is_checked_too(monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN
    monkeypatch.setenv("PULUMI_CONFIG", json.dumps({**read_stack_file("dev"), "orders:batch_sise": "1"}))

    # WHEN
    _, error = record_refused("dev", {})

    # THEN
    assert "did you mean batch_size?" in str(error)


def test_the_permissions_boundary_of_another_stack_is_refused() -> None:
    # GIVEN
    other = {"orders:permissions_boundary_arn": "arn:aws:iam::123456789012:policy/pulumi-orders-old-boundary"}

    # WHEN
    recording, error = record_refused("dev", other)

    # THEN
    assert "given the boundary of orders-old; allowed: pulumi-orders-dev-boundary" in str(error)
    assert recording.resources == []


LISTS = [key for key, field in StackConfig.model_fields.items() if get_origin(field.annotation) is tuple]
STRANGE_LISTS = ["[" * 100_000, f"[{'1' * 5_000}]", "1" * 5_000, "[NaN, [null], {}]", '["\\ud800"]', '["\\n"]']
STRANGE_ITEMS = [
    *("{name: 2026-99-99}", f"{{name: {'1' * 5_000}}}", f"{{name: {'[' * 5_000}", "&a {name: *a}", "{1: 2, [3]: 4}"),
    *("!!bool x", "!!timestamp x", "!!int ''", "{name: !!set {a}, protocol: !!binary aGVsbG8=}"),
    '{name: a, protocol: sqs, filter_policy: {"a\\n  b": [c]}}',
]


@pytest.mark.parametrize(
    ("key", "text"),
    [
        *((key, text) for key in LISTS for text in STRANGE_LISTS),
        *(("subscriptions", json.dumps([text])) for text in STRANGE_ITEMS),
        ("alarm_thresholds", json.dumps([f"api_p99_ms={'9' * 400}"])),
    ],
    ids=lambda value: value[:30],
)
def test_a_strange_list_is_refused_with_one_line_for_each_problem(key: str, text: str) -> None:
    # GIVEN / WHEN
    error = refused(**{key: text})
    # THEN
    assert any(problem.keys[0].partition("[")[0] == key for problem in error.problems)
    assert str(error).count("\n") == len(error.problems)


def test_a_rule_is_not_checked_if_a_key_that_it_reads_is_misspelt() -> None:
    # GIVEN strict_ordering, whose rule reads batch_size, and a misspelt batch_size
    error = refused(strict_ordering="true", batch_sise="1")
    # WHEN / THEN only the misspelt key is reported
    assert [problem.keys for problem in error.problems] == [("batch_sise",)]


def test_a_wrong_value_that_is_given_twice_is_one_problem() -> None:
    # GIVEN / WHEN a filter contains the wrong value [EUR] twice
    problem = only_problem(
        subscriptions=json.dumps(["{name: a, protocol: sqs, filter_policy: {currency: [[EUR], [EUR]]}}"])
    )
    # THEN
    assert problem.given == "['EUR'] in filter_policy"
