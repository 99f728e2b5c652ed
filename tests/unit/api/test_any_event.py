"""Tests arbitrary keys and malformed events. `make fuzz` and `tests/lab` send many kinds of hostile events."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.http.idempotency_key import parse_key
from runtime.http.problems import CATALOGUE, ProblemError
from tests.unit.api.conftest import Api
from tests.unit.api.factories import context, post, problem


@given(key=st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=255))
def test_every_key_of_visible_characters_can_be_sent_in_quotes(key: str) -> None:
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
def test_malformed_events_are_refused(untouched_api: Api, event: object) -> None:
    # GIVEN / WHEN
    response = untouched_api.create.handle(event, context())

    # THEN
    assert response["statusCode"] == 400
    assert problem(response) in {kind.name for kind in CATALOGUE if kind.status == 400}
