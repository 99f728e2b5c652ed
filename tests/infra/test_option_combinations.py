"""Runs the real program with every pair of option values, except the pairs in `REFUSED`."""

import json
from collections.abc import Iterator
from functools import cache
from typing import Literal, get_origin

import pytest
from pydantic.fields import FieldInfo

from lab.recording.recording import PROJECT, Recording, record_config
from local.engine.aws_inputs import findings
from local.engine.provider.changes import REPLACED_BY
from local.services.inert import INERT
from local.services.registry import HANDLERS
from pipeline.config import ConfigError, StackConfig, parse_config
from tests.infra.pairwise import Combination, Pairwise, pairs_of, pairwise

pytestmark = pytest.mark.long

CERTIFICATE = "arn:aws:acm:us-east-1:123456789012:certificate/1"
ZONE = {"domain_name": "orders.example.com", "domain_zone_id": "Z123"}
EXTERNAL = {"authorizer": "external", "jwt_issuer": "https://id.example.com/", "jwt_audiences": '["orders"]'}
WAF = {"waf": "true", "origin_secret": "0123456789abcdef0123456789abcdef"}
NEW_SECRET = "fedcba9876543210fedcba9876543210"

# For each option: its values, each with the configuration that sets this value. The first value turns the option off
# or is the cheapest one. `pairwise` starts each combination with the first values.
OPTIONS: dict[str, dict[str, dict[str, str]]] = {
    "environment": {"development": {}, "production": {"environment": "production"}},
    "authorizer": {
        "none": {},
        "anonymous": {"allow_anonymous": "true"},
        "cognito": {"authorizer": "cognito", "token_clients": '["shop", "warehouse"]', "token_validity_seconds": "300"},
        "external": EXTERNAL,
        "external with scopes": {**EXTERNAL, "jwt_write_scope": "write", "jwt_read_scope": "read"},
    },
    "cors": {"off": {}, "one": {"cors_origins": '["https://shop.example.com"]'}, "any": {"cors_origins": '["*"]'}},
    "domain": {
        "off": {},
        "zone": ZONE,
        "certificate": {"domain_name": "orders.example.com", "domain_certificate_arn": CERTIFICATE},
        "both": {**ZONE, "domain_certificate_arn": CERTIFICATE},
    },
    "waf": {
        "off": {},
        "on": WAF,
        "rotating": {**WAF, "origin_secret_also_accepted": NEW_SECRET, "waf_managed_rules": "count"},
    },
    "traces": {"off": {}, "on": {"tracing": "true"}, "group": {"tracing": "true", "trace_group": "true"}},
    "alarms": {
        "off": {"alarms": "false"},
        "on": {"alarm_page_subscriptions": '["email=page@example.com"]', "runbook_base_url": "https://a.example.com"},
    },
    "data": {
        "loose": {"point_in_time_recovery": "false", "deletion_protection": "false", "protect": "false"},
        "kept": {},
    },
    "subscriptions": {"none": {}, "queue": {"subscriptions": '["{name: own, protocol: sqs}"]'}},
    "deploy": {"direct": {}, "gradual": {"gradual_deploy": "Canary10Percent5Minutes"}},
    "boundary": {"none": {}, "set": {"permissions_boundary_arn": "arn:aws:iam::123456789012:policy/bound"}},
    "warm start": {
        "none": {},
        "snapshots": {"api_warm_start": "snap_start"},
        "ready": {"api_warm_start": "provisioned", "api_provisioned_concurrency": "3"},
    },
    "encryption": {"aws": {}, "customer": {"encryption": "customer"}},
    "ordering": {"off": {}, "strict": {"strict_ordering": "true", "batch_size": "1"}},
    "events": {"topic": {}, "bus": {"events_target": "bus"}},
    "package": {
        "bytecode": {},
        "sources": {"package_bytecode": "false"},
        "release": {"package_bytecode_release": "3.13.1"},
    },
}
# Switches that add no resource. Rules that depend on such a switch are tested in rule_edges.
WITHOUT_RESOURCES = {"architecture", "log_level", "package_for_this_machine", "python_version", "short_retry_horizon"}
# Pairs that the configuration refuses on purpose, each by a rule with a message.
REFUSED = {
    frozenset({("environment", "production"), ("authorizer", "none")}),
    frozenset({("environment", "production"), ("cors", "any")}),
    frozenset({("environment", "production"), ("alarms", "off")}),
    frozenset({("events", "bus"), ("ordering", "strict")}),
    frozenset({("data", "loose"), ("deploy", "gradual")}),
}
# Each row: a text, an option, and values of this option. If the option has one of these values, the text is in some
# resource's type or inputs. With any other value of the option, no resource has the text there.
MARKERS: dict[str, tuple[str, frozenset[str]]] = {
    "aws:cognito/": ("authorizer", frozenset({"cognito"})),
    "aws:apigatewayv2/authorizer:": ("authorizer", frozenset({"cognito", "external", "external with scopes"})),
    "authorizationType": ("authorizer", frozenset({"cognito", "external", "external with scopes"})),
    "authorizationScopes": ("authorizer", frozenset({"cognito", "external with scopes"})),
    "JWT_AUTHORIZER": ("authorizer", frozenset({"cognito", "external", "external with scopes"})),
    "corsConfiguration": ("cors", frozenset({"one", "any"})),
    "orders.example.com": ("domain", frozenset({"zone", "certificate", "both"})),
    "aws:acm/": ("domain", frozenset({"zone"})),
    "aws:route53/": ("domain", frozenset({"zone", "both"})),
    "aws:wafv2/": ("waf", frozenset({"on", "rotating"})),
    "aws:cloudfront/": ("waf", frozenset({"on", "rotating"})),
    "aws-waf-logs": ("waf", frozenset({"on", "rotating"})),
    "us-east-1": ("waf", frozenset({"on", "rotating"})),
    "ORIGIN_SECRET": ("waf", frozenset({"on", "rotating"})),
    "aws:xray/": ("traces", frozenset({"group"})),
    "xray:Put": ("traces", frozenset({"on", "group"})),
    "aws:cloudwatch/compositeAlarm:": ("alarms", frozenset({"on"})),
    "permissionsBoundary": ("boundary", frozenset({"set"})),
    "snapStart": ("warm start", frozenset({"snapshots"})),
    "aws:lambda/provisionedConcurrencyConfig:": ("warm start", frozenset({"ready"})),
    "aws:codedeploy/": ("deploy", frozenset({"gradual"})),
    "aws:kms/": ("encryption", frozenset({"customer"})),
    "kms:": ("encryption", frozenset({"customer"})),
    "fifo": ("ordering", frozenset({"strict"})),
    "own-queue": ("subscriptions", frozenset({"queue"})),
    "aws:cloudwatch/eventBus:": ("events", frozenset({"bus"})),
    "events:PutEvents": ("events", frozenset({"bus"})),
    "NOTIFICATIONS_BUS_NAME": ("events", frozenset({"bus"})),
    "NOTIFICATIONS_TOPIC_ARN": ("events", frozenset({"topic"})),
}


def keys_of(combination: Combination) -> dict[str, str]:
    """Return the configuration of a combination."""
    keys = {"environment": "development"}
    for option, value in combination.items():
        keys |= OPTIONS[option][value]
    return keys


def is_allowed(combination: Combination) -> bool:
    return is_accepted(keys_of(combination))


def is_accepted(keys: dict[str, str]) -> bool:
    try:
        parse_config(keys, project=PROJECT, stack="dev")
    except ConfigError:
        return False
    return True


def is_switch(field: FieldInfo) -> bool:
    """Return whether the field is a choice between a few values, not an amount."""
    return field.annotation is bool or (isinstance(field.default, str) and get_origin(field.annotation) is Literal)


def test_every_switch_that_adds_resources_is_among_the_options() -> None:
    # GIVEN
    switches = {name for name, field in StackConfig.model_fields.items() if is_switch(field)}

    # WHEN
    tried = {key for values in OPTIONS.values() for keys in values.values() for key in keys}

    # THEN
    assert switches - tried == WITHOUT_RESOURCES


@cache
def covering() -> Pairwise:
    return pairwise({option: list(values) for option, values in OPTIONS.items()}, is_allowed)


@cache
def recorded_combinations() -> list[tuple[Combination, Recording]]:
    """Return every combination with its recording. Runs once per process and takes about ten seconds."""
    return [(each, record_config(keys_of(each))) for each in covering().combinations]


@pytest.fixture
def covered() -> Pairwise:
    return covering()


@pytest.fixture
def recordings() -> list[tuple[Combination, Recording]]:
    return recorded_combinations()


def test_every_pair_is_covered_except_those_that_a_rule_refuses(covered: Pairwise) -> None:
    # GIVEN
    met = set().union(*(pairs_of(each) for each in covered.combinations))

    # WHEN
    wanted = {
        frozenset({(one, mine), (other, theirs)})
        for one, ones in OPTIONS.items()
        for other, others in OPTIONS.items()
        if one < other
        for mine in ones
        for theirs in others
    }

    # THEN
    assert covered.refused == REFUSED
    assert wanted - met == REFUSED


def test_the_program_runs_with_every_recorded_combination(recordings: list[tuple[Combination, Recording]]) -> None:
    # GIVEN / WHEN
    sizes = [len(recording.resources) for _, recording in recordings]

    # THEN
    assert len(sizes) < 40
    assert all(sizes)
    assert all(recording.outputs["api_url"] for _, recording in recordings)


def everything(recording: Recording) -> Iterator[str]:
    """Yield the types and inputs of the resources that are created in AWS."""
    yield from (f"{each.type} {json.dumps(each.inputs)}" for each in recording.resources if each.custom)


@pytest.mark.parametrize("marker", MARKERS)
def test_the_resources_of_an_option_are_registered_if_and_only_if_it_is_on(
    marker: str, recordings: list[tuple[Combination, Recording]]
) -> None:
    # GIVEN
    option, values = MARKERS[marker]
    if marker == "us-east-1":
        # The ARN of a given certificate contains us-east-1 too, so combinations with such a certificate are left out.
        recordings = [pair for pair in recordings if pair[0]["domain"] in ("off", "zone")]

    # WHEN
    wrong = [
        each
        for each, recording in recordings
        if any(marker in text for text in everything(recording)) != (each[option] in values)
    ]

    # THEN
    assert recordings
    assert wrong == []


def test_the_local_engine_and_the_embedded_aws_support_every_type_that_the_program_registers(
    recordings: list[tuple[Combination, Recording]],
) -> None:
    # GIVEN the types that the program registers for AWS, and those that it registers for the embedded AWS
    made = {each.type for _, recording in recordings for each in recording.resources if each.custom}
    local = {"environment": "local", "local_endpoint": "http://127.0.0.1:4566"}
    choices = [keys for option, values in OPTIONS.items() if option != "environment" for keys in values.values()]
    configurations = [{**keys, **local} for keys in choices if is_accepted({**keys, **local})]
    made_locally = {each.type for keys in configurations for each in record_config(keys).resources if each.custom}

    # WHEN
    unsupported_by_the_engine = made - set(REPLACED_BY)
    unsupported_by_the_embedded_aws = made_locally - set(HANDLERS) - set(INERT)

    # THEN
    assert unsupported_by_the_engine == set(), "see local/engine/provider/changes.py"
    assert unsupported_by_the_embedded_aws == set(), "see local/services/"


def test_a_bus_has_a_dead_letter_queue_if_and_only_if_it_has_a_customer_managed_key(
    recordings: list[tuple[Combination, Recording]],
) -> None:
    # GIVEN
    expected = [each["events"] == "bus" and each["encryption"] == "customer" for each, _ in recordings]

    # WHEN
    found = [any("events-dlq" in text for text in everything(recording)) for _, recording in recordings]

    # THEN
    assert any(expected)
    assert found == expected


def test_every_registered_input_has_a_name_and_type_that_the_sdk_defines(
    recordings: list[tuple[Combination, Recording]],
) -> None:
    # GIVEN
    registered = [each for _, recording in recordings for each in recording.resources if each.custom]

    # WHEN
    wrong = {finding for each in registered for finding in findings(each.type, each.inputs)}

    # THEN
    assert registered
    assert wrong == set()


def test_urns_are_unique_in_every_combination(recordings: list[tuple[Combination, Recording]]) -> None:
    # GIVEN / WHEN
    doubled = [
        each
        for each, recording in recordings
        if len({one.urn for one in recording.resources}) < len(recording.resources)
    ]

    # THEN
    assert doubled == []
