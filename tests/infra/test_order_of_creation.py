"""Tests the sequence in which resources are created. A wrong sequence could make requests fail or lose messages."""

import re

import pytest

from lab.recording.recording import Recording
from lab.recording.stacks import recorded
from pipeline.functions import API_FUNCTIONS, FUNCTIONS

FUNCTION = "aws:lambda/function:Function"
SLUGS = {re.sub(r"[\W_]+", "-", f"{each.method} {each.path}".lower()).strip("-"): each.name for each in API_FUNCTIONS}
POLICY = "aws:iam/rolePolicy:RolePolicy"


def waits_for(recording: Recording, token: str, name: str) -> set[str]:
    """Return the types and names of the resources on which this resource depends, directly or indirectly."""
    urns = {each.urn: each for each in recording.resources}
    todo, seen = [recording.one(token, name)], set()
    while todo:
        for urn in todo.pop().depends_on:
            if urn in urns and urn not in seen:
                seen.add(urn)
                todo.append(urns[urn])
    return {f"{urns[urn].type} {urns[urn].name}" for urn in seen}


@pytest.mark.parametrize("name", [each.name for each in FUNCTIONS])
def test_a_function_is_created_after_its_policy_and_its_log_group(name: str) -> None:
    # GIVEN
    recording = recorded("prod")

    # WHEN
    before = waits_for(recording, FUNCTION, f"{name}-function")

    # THEN
    assert {f"{POLICY} {name}-policy", f"aws:cloudwatch/logGroup:LogGroup {name}-logs"} <= before


def test_the_queue_is_consumed_only_after_the_worker_may_read_it() -> None:
    # GIVEN
    recording = recorded("prod")

    # WHEN
    before = waits_for(recording, "aws:lambda/eventSourceMapping:EventSourceMapping", "orders-consumer-mapping")

    # THEN
    assert {f"{POLICY} process-order-policy", "aws:lambda/alias:Alias process-order-live"} <= before


@pytest.mark.parametrize("slug", SLUGS)
def test_a_route_is_created_after_the_api_may_call_its_function(slug: str) -> None:
    # GIVEN
    recording = recorded("prod")

    # WHEN
    before = waits_for(recording, "aws:apigatewayv2/route:Route", f"api-{slug}")

    # THEN
    assert f"aws:lambda/permission:Permission api-{slug}-permission" in before


@pytest.mark.parametrize(("slug", "function"), SLUGS.items())
def test_a_functions_alias_changes_before_its_route_gets_or_loses_the_authorizer(slug: str, function: str) -> None:
    # GIVEN
    recording = recorded("prod")

    # WHEN
    before = waits_for(recording, "aws:apigatewayv2/route:Route", f"api-{slug}")

    # THEN Pulumi changes the alias before the route, as docs/options.md describes for `gradual_deploy: none`
    assert f"aws:lambda/alias:Alias {function}-live" in before


def test_the_stage_is_created_after_all_routes() -> None:
    # GIVEN
    recording = recorded("prod")

    # WHEN
    before = waits_for(recording, "aws:apigatewayv2/stage:Stage", "api-stage")

    # THEN
    routes = {f"{each.type} {each.name}" for each in recording.of_type("aws:apigatewayv2/route:Route")}
    assert routes <= before


@pytest.mark.parametrize("subscriber", ["everything", "rejections"])
def test_a_subscription_is_created_after_the_policies_of_its_queue_and_dead_letter_queue(subscriber: str) -> None:
    # GIVEN
    recording = recorded("local")
    name = f"notifications-{subscriber}"

    # WHEN
    before = waits_for(recording, "aws:sns/topicSubscription:TopicSubscription", name)

    # THEN
    policies = {f"aws:sqs/queuePolicy:QueuePolicy {name}-{queue}-policy" for queue in ("dlq", "queue")}
    assert policies <= before
