"""Warm starts of the API's functions on recorded resources: snapshots, instances kept ready, or neither."""

import pytest

from components.function import WarmStart
from lab.recording.recording import STACKS, Recording
from lab.recording.stacks import FUNCTION, by_urn, recorded, recorded_with
from pipeline.functions import API_FUNCTIONS

pytestmark = pytest.mark.long

READY = "aws:lambda/provisionedConcurrencyConfig:ProvisionedConcurrencyConfig"
NAMES = tuple(each.name for each in API_FUNCTIONS)


def with_ready(count: int) -> Recording:
    return recorded_with(
        "prod", {"orders:api_warm_start": "provisioned", "orders:api_provisioned_concurrency": str(count)}
    )


@pytest.mark.parametrize("stack", STACKS)
def test_without_it_there_is_no_trace_of_it(stack: str) -> None:
    # GIVEN / WHEN
    recording = recorded(stack)

    # THEN
    assert not recording.of_type(READY)
    assert not [each.name for each in recording.of_type(FUNCTION) if "snapStart" in each.inputs]


def test_snapshots_are_made_of_the_published_versions_of_the_api_s_functions_alone() -> None:
    # GIVEN / WHEN
    recording = recorded_with("prod", {"orders:api_warm_start": "snap_start"})

    # THEN
    shown = {each.name: each.inputs.get("snapStart") for each in recording.of_type(FUNCTION)}
    assert shown == {
        **{f"{name}-function": {"applyOn": "PublishedVersions"} for name in NAMES},
        "process-order-function": None,
    }
    assert all(each.inputs["publish"] for each in recording.of_type(FUNCTION))
    assert not recording.of_type(READY)


def test_instances_are_kept_ready_behind_the_alias_that_callers_use() -> None:
    # GIVEN / WHEN
    recording = with_ready(3)

    # THEN
    assert {each.name: each.inputs for each in recording.of_type(READY)} == {
        f"{name}-ready": {
            "functionName": f"orders-prod-{name}",
            "qualifier": "live",
            "provisionedConcurrentExecutions": 3,
        }
        for name in NAMES
    }
    assert not [each.name for each in recording.of_type(FUNCTION) if "snapStart" in each.inputs]


@pytest.mark.parametrize("name", NAMES)
def test_they_are_made_after_the_alias(name: str) -> None:
    # GIVEN
    recording = with_ready(1)

    # WHEN
    ready = recording.one(READY, f"{name}-ready")

    # THEN
    sources = [by_urn(recording)[urn].name for urns in ready.references.values() for urn in urns]
    assert f"{name}-live" in sources


def test_a_gradual_stack_still_leaves_the_alias_to_codedeploy() -> None:
    # GIVEN / WHEN
    aliases = with_ready(2).of_type("aws:lambda/alias:Alias")

    # THEN
    assert {each.ignore_changes for each in aliases} == {("functionVersion", "routingConfig")}


def test_nothing_has_both() -> None:
    # GIVEN / WHEN / THEN
    with pytest.raises(ValueError, match="one of the two"):
        WarmStart(snapshots=True, ready_instances=1)
