"""Tests that no stack breaks a rule of AWS, and that each finding names what is given and what is allowed."""

import json
from collections.abc import Iterator
from dataclasses import replace
from functools import cache

import pytest

from lab.recording.recording import PROJECT, STACKS, Recording, read_stack_file, record_config
from lab.recording.stacks import recorded, recorded_with
from pipeline.config.loader import MAX_PREFIX
from tests.infra import provider_limits, provider_rules
from tests.infra.provider_cases import BROKEN, Broken
from tests.infra.provider_rules import Rule

pytestmark = pytest.mark.long

RULES: tuple[Rule, ...] = (
    provider_rules.visibility,
    provider_rules.dead_letter_retention,
    provider_rules.queue_consumers,
    provider_rules.concurrency,
    provider_rules.functions,
    provider_rules.warm_starts,
    provider_rules.routes,
    provider_rules.authorizers,
    provider_rules.metric_math,
    provider_rules.dimensions,
    provider_rules.filter_policies,
    provider_rules.cloudfront_region,
    provider_rules.nested_arguments,
    provider_rules.schedules,
    provider_limits.names,
    provider_limits.documents,
)
EDGE = {"orders:waf": "true", "orders:origin_secret": "0123456789abcdef0123456789abcdef"}
DOMAIN = {"orders:domain_name": "orders.example.com", "orders:domain_zone_id": "Z123"}
LONGEST = [f"key{number}={'v' * 250}" for number in range(45)]


def variants() -> Iterator[tuple[str, Recording]]:
    """Yield the repository's stacks, and variants of prod: other options, the longest name, and the longest inputs."""
    yield from ((stack, recorded(stack)) for stack in STACKS)
    yield "edge", recorded_with("prod", {**EDGE, **DOMAIN, "orders:encryption": "customer"})
    yield "snapshots", recorded_with("prod", {"orders:api_warm_start": "snap_start"})
    yield "ready", recorded_with("prod", {"orders:api_warm_start": "provisioned"})
    yield "long name", _with_the_longest_name()
    yield "longest", recorded_with("prod", {"orders:extra_tags": json.dumps(LONGEST), **_many_subscriptions()})


@cache
def _with_the_longest_name() -> Recording:
    """Return stack prod with the longest accepted stack name, which is part of most names of resources."""
    own = {key.removeprefix(f"{PROJECT}:"): value for key, value in read_stack_file("prod").items()}
    own = {key: value for key, value in own.items() if ":" not in key}  # without the provider's keys
    return record_config(own, stack="s" * (MAX_PREFIX - len(f"{PROJECT}-")))


def _many_subscriptions() -> dict[str, str]:
    items = [f"{{name: subscriber-{number}, protocol: sqs}}" for number in range(20)]
    return {"orders:subscriptions": json.dumps(items)}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_no_stack_has_a_resource_that_breaks_a_rule(rule: Rule) -> None:
    # GIVEN / WHEN
    findings = [(name, finding) for name, recording in variants() for finding in rule(recording)]

    # THEN
    assert findings == []


def broken_by(case: Broken) -> Recording:
    """Return the case's stack with one changed resource: the one that the case names.

    If the name is `*`, the first resource of the case's type is changed.
    """
    recording = dict(variants())[case.stack]
    first = next(each for each in recording.resources if each.type == case.token and case.name in ("*", each.name))
    inputs = {key: value for key, value in {**first.inputs, **case.inputs}.items() if value is not None}
    changed = replace(first, inputs=inputs)
    return Recording([changed if each is first else each for each in recording.resources], recording.outputs)


@pytest.mark.parametrize("case", BROKEN.values(), ids=list(BROKEN))
def test_a_finding_names_what_was_given_and_what_is_allowed(case: Broken) -> None:
    # GIVEN
    recording = broken_by(case)

    # WHEN
    findings = list(case.rule(recording))

    # THEN
    assert [finding for finding in findings if all(text in finding for text in case.words)], findings


def test_every_rule_has_a_case_that_breaks_it() -> None:
    assert {case.rule for case in BROKEN.values()} == set(RULES)


@pytest.mark.parametrize(
    "text",
    ["rate(5 minutes)", "rate(1 hour)", "cron(0 12 * * ? *)", "cron(0 8 ? * MON-FRI *)", "at(2030-01-01T00:00:00)"],
)
def test_schedules_that_eventbridge_accepts_give_no_finding(text: str) -> None:
    # GIVEN
    case = replace(BROKEN["schedule"], inputs={"scheduleExpression": text})

    # WHEN / THEN
    assert list(provider_rules.schedules(broken_by(case))) == []


@pytest.mark.parametrize(
    "text", ["rate(1 minutes)", "rate(0 days)", "cron(0 12 * * * *)", "cron(0 12 * * *)", "hourly"]
)
def test_schedules_that_eventbridge_refuses_give_a_finding(text: str) -> None:
    # GIVEN
    case = replace(BROKEN["schedule"], inputs={"scheduleExpression": text})

    # WHEN / THEN
    assert len(list(provider_rules.schedules(broken_by(case)))) == 1
