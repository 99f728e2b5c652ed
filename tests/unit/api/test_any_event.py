"""Whatever comes in, the answer is one of the contract's."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runtime.http.idempotency_key import parse_key
from runtime.http.problems import CATALOGUE, ProblemError
from runtime.http.responses import Response
from tests.unit.api.conftest import Api
from tests.unit.api.factories import context, document, order, post, problem

RELAXED = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
# Lone surrogates too: they come out of JSON escapes, and nothing can encode them.
text = st.text(st.characters(codec=None), max_size=20)
scalar = st.none() | st.booleans() | st.integers() | st.floats() | text
junk = st.recursive(scalar, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3))


def near(value: Any) -> st.SearchStrategy[Any]:
    """Documents like `value` with any part replaced, left out or added."""
    if isinstance(value, dict):
        parts = st.fixed_dictionaries({}, optional={name: near(part) for name, part in value.items()})
        return (
            parts
            | st.builds(lambda part, more: {**more, **part}, parts, st.dictionaries(text, junk, max_size=1))
            | junk
        )
    if isinstance(value, list):
        return st.lists(near(value[0]), max_size=3) | junk
    return st.just(value) | st.just(value) | junk


def check(response: Response) -> None:
    """`response` is what Lambda can send and the contract allows."""
    json.dumps(response).encode()
    assert set(response) == {"statusCode", "headers", "body", "isBase64Encoded"}
    assert all(isinstance(value, str) and value.isascii() for value in response["headers"].values())
    if response["statusCode"] == 202:
        assert list(document(response)) == ["order_id", "status", "total", "currency", "accepted_at"]
    else:
        assert problem(response) in {kind.name for kind in CATALOGUE if kind.status == response["statusCode"]}
        assert response["statusCode"] != 503


@RELAXED
@given(event=junk | near(post()), method=st.sampled_from(["create", "lookup"]))
def test_any_event_gets_an_answer(shared_api: Api, event: object, method: str) -> None:
    # GIVEN
    endpoint = getattr(shared_api, method)

    # WHEN
    response = endpoint.handle(event, context())

    # THEN
    check(response)


@RELAXED
@given(raw=st.binary(max_size=60) | text | near(order(reference="r")).map(json.dumps))
def test_any_body_gets_an_answer(shared_api: Api, raw: str | bytes) -> None:
    # GIVEN
    event = post(raw=raw, key=f"key-{hash(raw)}")

    # WHEN
    response = shared_api.create.handle(event, context())

    # THEN
    check(response)


@given(key=st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=255))
def test_every_visible_key_can_be_sent_quoted(key: str) -> None:
    # GIVEN
    escaped = key.replace("\\", "\\\\").replace('"', '\\"')

    # WHEN
    parsed = parse_key(f'"{escaped}"')

    # THEN
    assert parsed == key


@given(header=st.text(max_size=300))
def test_a_parsed_key_is_always_visible_ascii_of_bounded_length(header: str) -> None:
    # GIVEN
    refused = 0

    # WHEN
    try:
        key = parse_key(header)
    except ProblemError as problem:
        key, refused = "-", problem.kind.status

    # THEN
    assert refused in (0, 400)
    assert 1 <= len(key) <= 255
    assert all("!" <= character <= "~" for character in key)


@pytest.mark.parametrize(
    "event",
    [
        None,
        [],
        "",
        {},
        {"headers": None, "body": None, "requestContext": None},
        {"headers": {"idempotency-key": ["a"]}},
        {**post(), "isBase64Encoded": "true", "body": {"currency": "EUR"}},
    ],
)
def test_events_of_odd_shapes_are_refused(untouched_api: Api, event: object) -> None:
    # GIVEN / WHEN
    response = untouched_api.create.handle(event, context())

    # THEN
    check(response)
    assert response["statusCode"] == 400
