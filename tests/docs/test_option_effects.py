"""Every option reaches exactly what docs/option-effects.md says, and nothing is tied to one Region."""

import json
import re
from dataclasses import asdict

import pytest

from lab.docs import option_effects
from lab.docs.option_changes import PLAIN, changes
from lab.recording.differences import Difference, differences
from lab.recording.recording import Recorded, Recording, record_config
from pipeline.config import StackConfig

HERE, ELSEWHERE = "eu-west-1", "ap-southeast-4"
WIDE = {
    "everything at once": PLAIN,
    "callers, traces, gradual": {
        "environment": "development",
        "authorizer": "cognito",
        "token_clients": '["shop"]',
        "tracing": "true",
        "trace_group": "true",
        "gradual_deploy": "Canary10Percent5Minutes",
        "encryption": "customer",
    },
    "edge": {
        "environment": "development",
        "waf": "true",
        "origin_secret": "0123456789abcdef0123456789abcdef",
        "domain_name": "orders.example.com",
        "domain_zone_id": "Z123",
    },
    "own name": {"environment": "development", "domain_name": "orders.example.com", "domain_zone_id": "Z123"},
    "bus": {
        "environment": "development",
        "events_target": "bus",
        "encryption": "customer",
        "subscriptions": '["{name: own, protocol: sqs}"]',
    },
}


@pytest.mark.parametrize("configuration", WIDE)
def test_in_another_region_nothing_but_the_region_is_another(configuration: str) -> None:
    # GIVEN
    here = option_effects.recorded(WIDE[configuration])
    keys = {key: value.replace(HERE, ELSEWHERE) for key, value in WIDE[configuration].items()}

    # WHEN
    elsewhere = record_config(keys, region=ELSEWHERE)

    # THEN
    assert HERE in wire(here)
    assert wire(elsewhere) == wire(here).replace(HERE, ELSEWHERE)


def wire(recording: Recording) -> str:
    """Inputs and outputs as text, without the hash in a domain's name that the Region is a part of."""
    text = json.dumps([*((each.urn, dict(each.inputs)) for each in recording.resources), recording.outputs], indent=1)
    return re.sub("tokens-[0-9a-f]{20}", "tokens-HASH", text)


def test_an_option_without_two_values_is_named() -> None:
    # GIVEN / WHEN / THEN
    with pytest.raises(LookupError, match=r"no change of brand_new: give lab/docs/option_changes.py two values"):
        changes([*StackConfig.model_fields, "brand_new"])


def queue(inputs: dict[str, object], protect: bool = False) -> Recording:
    urn = "urn:pulumi:test::orders::aws:sqs/queue:Queue::q"
    made = Recorded("aws:sqs/queue:Queue", "q", urn, "", True, inputs, protect, (), ())
    return Recording(resources=[made])


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        ({"delay": 1}, {"delay": 2.0}, ("delay", "1", "2")),
        ({"policy": '{"A": {"B": 1}}'}, {"policy": '{"A": {"B": 2}}'}, ("policy.A.B", "1", "2")),
        ({"list": ["x", "y"]}, {"list": ["y", "z"]}, ("list[]", "x", "z")),
        ({"list": ["x", "y"]}, {"list": ["y", "x"]}, ("list[]", "one order or number", "another")),
        ({"list": [{"a": 1}]}, {"list": [{"a": 1}, {"a": 2}]}, ("list[]", "—", "1 item")),
        ({"list": [{"a": 1}]}, {"list": [{"a": 3}]}, ("list[].a", "1", "3")),
        ({"text": "{no json"}, {"text": "{nor this"}, ("text", "{no json", "{nor this")),
        ({"delay": 1}, {}, ("delay", "1", "—")),
    ],
)
def test_what_differs_is_named_by_its_path(
    before: dict[str, object], after: dict[str, object], found: tuple[str, str, str]
) -> None:
    # GIVEN / WHEN
    seen = differences(queue(before), queue(after))

    # THEN
    path, was, now = found
    assert [asdict(each) for each in seen] == [asdict(Difference("Queue", "q", path, was, now))]


def test_resources_and_their_protection_are_told_too() -> None:
    # GIVEN / WHEN
    gone, protected = differences(queue({}), Recording()), differences(queue({}), queue({}, protect=True))

    # THEN
    assert gone == [Difference("Queue", "q", "", "there", "—")]
    assert protected == [Difference("Queue", "q", "(protect)", "false", "true")]
