"""Tests the guard of the API: it refuses requests that do not come through CloudFront."""

import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from runtime.http import endpoint
from runtime.http.origin import HEADER, OriginGuard
from runtime.http.request import Request
from runtime.http.responses import Response, json_response
from runtime.settings import LookupSettings

CURRENT, PREVIOUS = "c" * 32, "p" * 32


def digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def answered(guard: OriginGuard, headers: dict[str, str]) -> Response:
    """Return the answer of an endpoint with this guard. It answers 200 to every request that the guard accepts."""

    def route(_request: Request) -> Response:
        return json_response(200, "{}")

    return endpoint.answer({"headers": headers}, route, guard)


@pytest.mark.parametrize("secret", [CURRENT, PREVIOUS])
def test_both_secrets_are_accepted_during_a_rotation(secret: str) -> None:
    # GIVEN a secret that is being replaced
    guard = OriginGuard.of([digest(CURRENT), digest(PREVIOUS)])

    # WHEN
    answer = answered(guard, {HEADER: secret})

    # THEN
    assert answer["statusCode"] == 200


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {HEADER: ""},
        {HEADER: digest(CURRENT)},
        {HEADER: CURRENT[:-1]},
        {HEADER: CURRENT.upper()},
        {HEADER: f"{CURRENT},{CURRENT}"},
        {HEADER: "\ud800"},
    ],
    ids=["none", "empty", "digest", "prefix", "case", "twice", "not unicode"],
)
def test_any_value_except_the_secret_is_answered_with_403_before_the_request_is_handled(
    headers: dict[str, str],
) -> None:
    # GIVEN
    guard = OriginGuard.of([digest(CURRENT)])

    # WHEN
    answer = answered(guard, headers)

    # THEN
    assert answer["statusCode"] == 403
    assert json.loads(answer["body"])["type"] == "urn:problem-type:orders:edge-bypassed"
    assert CURRENT not in answer["body"]


def test_every_request_is_accepted_if_no_secret_is_configured() -> None:
    # GIVEN / WHEN
    answer = answered(OriginGuard(), {})

    # THEN
    assert answer["statusCode"] == 200


@given(st.text(max_size=80))
def test_no_text_except_the_secret_is_accepted(text: str) -> None:
    # GIVEN
    guard = OriginGuard.of([digest(CURRENT)])

    # WHEN / THEN
    assert guard.accepts(text) == (text == CURRENT)


def test_the_setting_is_read_as_a_list_of_digests() -> None:
    # GIVEN
    environment = {"ORDERS_TABLE": "t", "ORIGIN_SECRET_SHA256": f"{digest(CURRENT)},{digest(PREVIOUS)}"}

    # WHEN
    settings = LookupSettings.from_environment(environment)

    # THEN
    assert settings.origin_digests == (digest(CURRENT), digest(PREVIOUS))
    assert LookupSettings.from_environment({"ORDERS_TABLE": "t"}).origin_digests == ()


@pytest.mark.parametrize("wrong", ["secret", digest(CURRENT)[:-1], f"{digest(CURRENT)},"])
def test_a_setting_that_is_no_list_of_digests_fails_at_init(wrong: str) -> None:
    # GIVEN / WHEN / THEN
    with pytest.raises(ValidationError, match="origin_secret_sha256"):
        LookupSettings.from_environment({"ORDERS_TABLE": "t", "ORIGIN_SECRET_SHA256": wrong})


def test_the_answer_to_a_request_that_bypasses_cloudfront_says_which_address_to_use() -> None:
    # GIVEN a stack with CloudFront in front of the API
    guard = OriginGuard.of([digest(CURRENT)])

    # WHEN a request does not come through CloudFront
    answer = answered(guard, {})

    # THEN the answer says what to change
    assert json.loads(answer["body"])["detail"] == "Send the request to the API's public address."
