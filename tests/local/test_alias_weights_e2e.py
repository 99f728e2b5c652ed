"""Tests an alias with weights on the emulator: calls of the API and direct calls reach both versions."""

import json
import urllib.request
from collections import Counter
from collections.abc import Iterator

import pulumi
import pytest

from local.services.aws import Aws
from tests.local.factories import function_inputs
from tests.local.made import TRUST, Made

pytestmark = [pytest.mark.e2e, pytest.mark.long]

CALLS = 40
"""The number of calls. The probability that chance sends all of them to the same version is 1 in 2**39."""
HANDLER = "def handler(event, context):\n    return {{'version': {0}, 'seen': context.function_version}}\n"


def code(number: int) -> pulumi.AssetArchive:
    return pulumi.AssetArchive({"app.py": pulumi.StringAsset(HANDLER.format(number))})


@pytest.fixture(scope="module")
def alias(emulated: Aws) -> Iterator[Made]:
    """Provide the alias `live` of a function with two versions. The alias points to the first version."""
    role = Made(emulated, "Role", "w-role", name="weighted", assumeRolePolicy=TRUST)
    function = Made(emulated, "Function", "w", **function_inputs(name="weighted", role=role.state["arn"], code=code(1)))
    alias = Made(emulated, "Alias", "w", name="live", functionName="weighted", functionVersion="1")
    assert function.change(code=code(2))["version"] == "2"
    yield alias
    for each in (alias, function, role):
        each.delete()


@pytest.fixture(scope="module")
def url(emulated: Aws, alias: Made) -> Iterator[str]:
    """Provide the URL of an API that calls `live`, as the stack's API does."""
    api = Made(emulated, "Api", "w-api", name="weighted", protocolType="HTTP")
    integration = Made(
        emulated,
        "Integration",
        "w-i",
        apiId=api.id,
        integrationType="AWS_PROXY",
        integrationUri=alias.state["invokeArn"],
        payloadFormatVersion="2.0",
    )
    route = Made(emulated, "Route", "w-r", apiId=api.id, routeKey="GET /w", target=f"integrations/{integration.id}")
    stage = Made(emulated, "Stage", "w-s", apiId=api.id, name="$default", autoDeploy=True)
    yield f"{stage.state['invokeUrl']}w"
    for each in (stage, route, integration, api):
        each.delete()


def set_weights(alias: Made, weights: dict[str, float]) -> None:
    alias.change(routingConfig={"additionalVersionWeights": weights})


def by_api(url: str) -> Counter[int]:
    """Call the API often, and count the answers of each version."""
    return Counter(json.load(urllib.request.urlopen(url, timeout=30))["version"] for _ in range(CALLS))  # noqa: S310 http to loopback


def by_invoke(emulated: Aws) -> Counter[tuple[int, str]]:
    """Call the alias often. Count the answers by the version that ran and the ExecutedVersion that Lambda reports."""
    answers = [emulated.lambda_.invoke(FunctionName="weighted", Qualifier="live") for _ in range(CALLS)]
    return Counter((json.load(each["Payload"])["version"], each["ExecutedVersion"]) for each in answers)


def test_both_versions_answer_callers_of_the_api_if_each_has_half_the_weight(alias: Made, url: str) -> None:
    # GIVEN
    set_weights(alias, {"2": 0.5})

    # WHEN
    answered = by_api(url)

    # THEN
    assert set(answered) == {1, 2}
    assert answered.total() == CALLS


def test_both_versions_answer_direct_calls_if_each_has_half_the_weight(emulated: Aws, alias: Made) -> None:
    # GIVEN
    set_weights(alias, {"2": 0.5})

    # WHEN
    answered = by_invoke(emulated)

    # THEN
    assert set(answered) == {(1, "1"), (2, "2")}


@pytest.mark.parametrize(("weights", "version"), [({"2": 0.0}, 1), ({}, 1), ({"2": 1.0}, 2)], ids=["0", "none", "all"])
def test_one_version_answers_every_call_if_calls_are_not_split(
    emulated: Aws, alias: Made, url: str, weights: dict[str, float], version: int
) -> None:
    # GIVEN
    set_weights(alias, weights)

    # WHEN / THEN
    assert set(by_api(url)) == {version}
    assert set(by_invoke(emulated)) == {(version, str(version))}


def test_get_function_configuration_of_a_weighted_alias_shows_its_main_version(emulated: Aws, alias: Made) -> None:
    # GIVEN
    set_weights(alias, {"2": 0.5})

    # WHEN
    described = {
        emulated.lambda_.get_function_configuration(FunctionName="weighted", Qualifier="live")["Version"]
        for _ in range(CALLS)
    }

    # THEN
    assert described == {"1"}
