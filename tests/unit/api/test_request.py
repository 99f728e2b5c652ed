"""Tests what the API reads from an event: the request, its caller and its body, and the limits of each."""

import base64
from typing import Any

import pytest

from runtime.http.body import MAX_BYTES, parse_json, read_bytes, require_json
from runtime.http.problems import ProblemError
from runtime.http.request import Request, identity_of, parse_event
from runtime.logic.keys import ANONYMOUS, Identity


def request(**event: Any) -> Request:
    """Return a request from the fields of an event."""
    return parse_event(event)


def test_every_part_of_an_event_is_read() -> None:
    # GIVEN a complete event
    context = {"requestId": "request-1"}
    # WHEN it is read
    read = request(
        headers={"X-One": " a \t", "x-two": "b", "X-Two": "c"},
        pathParameters={"order_id": "id"},
        body="text",
        isBase64Encoded=True,
        requestContext=context,
    )
    # THEN every part is in its field, and headers of the same name are joined
    assert read == Request(
        headers={"x-one": " a \t", "x-two": "b,c"},
        path_parameters={"order_id": "id"},
        body="text",
        body_is_base64=True,
        correlation_id="request-1",
        context=context,
    )
    assert (read.header("x-one"), read.header("x-three")) == ("a", None)


@pytest.mark.parametrize("event", [None, [], "text", {}, {"headers": [], "pathParameters": "x", "body": 5}])
def test_parts_that_are_missing_or_of_another_type_count_as_not_sent(event: object) -> None:
    # GIVEN an event without any usable part
    # WHEN it is read
    read = parse_event(event)
    # THEN it is an empty request with a new correlation id
    assert (read.headers, read.path_parameters, read.body, read.body_is_base64, read.context) == ({}, {}, "", False, {})
    assert len(read.correlation_id) == 36


def test_only_the_white_space_around_a_header_s_value_is_removed() -> None:
    # GIVEN headers with white space around their values
    read = request(headers={"Key": " \tX-1 X\t ", "Empty": " "})
    # WHEN they are read
    # THEN each value keeps all other characters, and a missing header has no value
    assert read.header("key") == "X-1 X"
    assert read.header("empty") == ""
    assert read.header("none") is None


def test_headers_and_parameters_that_are_no_text_count_as_not_sent() -> None:
    # GIVEN headers and parameters, some of which are not texts
    # WHEN they are read
    read = request(headers={"a": 5, "b": "x"}, pathParameters={"c": None, 1: "y"}, isBase64Encoded="true")
    # THEN the request has only the texts
    assert (read.headers, read.path_parameters, read.body_is_base64) == ({"b": "x"}, {"1": "y"}, False)


@pytest.mark.parametrize(
    ("sent", "platform", "used"),
    [
        ("a" * 128, "p", "a" * 128),
        ("a" * 129, "p", "p"),
        ("", "p", "p"),
        ("a b", "p", "p"),
        (None, "JKJaXmPLvHcESHA=", "JKJaXmPLvHcESHA="),
    ],
)
def test_the_caller_s_correlation_id_is_used_if_it_is_valid(sent: str | None, platform: str, used: str) -> None:
    # GIVEN an id that a caller sends, and the id of the platform
    # WHEN the request is read
    read = request(headers={"X-Correlation-Id": sent}, requestContext={"requestId": platform})
    # THEN the caller's id is used if it is valid, or else that of the platform
    assert read.correlation_id == used


def test_two_requests_without_an_id_get_different_ids() -> None:
    # GIVEN / WHEN two requests without ids are read
    # THEN their correlation ids differ
    assert request().correlation_id != request().correlation_id


def with_claims(**claims: object) -> Request:
    """Return a request whose token was verified."""
    return request(requestContext={"authorizer": {"jwt": {"claims": claims}}})


def test_a_claim_may_have_up_to_2048_characters() -> None:
    # GIVEN an issuer of the greatest length that is accepted
    issuer, subject = "i" * 2048, "s"
    # WHEN the caller is identified
    # THEN it is the caller that the claims name
    assert identity_of(with_claims(iss=issuer, sub=subject), jwt_authorizer=True) == Identity(issuer, subject)


@pytest.mark.parametrize("claim", ["", "s" * 2049, "a\nb", "\ud800", None, 5])
@pytest.mark.parametrize("name", ["iss", "sub"])
def test_a_claim_that_cannot_name_a_caller_is_refused(name: str, claim: object) -> None:
    # GIVEN a token of which one claim is unusable
    sent = with_claims(**{"iss": "i", "sub": "s", name: claim})
    # WHEN the caller is identified
    # THEN the request is refused
    with pytest.raises(ProblemError):
        identity_of(sent, jwt_authorizer=True)


def test_everybody_is_one_caller_if_there_is_no_authorizer() -> None:
    # GIVEN an API without an authorizer
    # WHEN the caller is identified
    # THEN it is the anonymous one, which all requests share
    assert identity_of(request(requestContext={"authorizer": {}}), jwt_authorizer=False) is ANONYMOUS
    assert identity_of(request(), jwt_authorizer=False) is ANONYMOUS


@pytest.mark.parametrize("sent", ["x" * MAX_BYTES, "é" * (MAX_BYTES // 2), ""])
@pytest.mark.parametrize("encoded", [False, True])
def test_a_body_of_up_to_64_kib_is_read(sent: str, encoded: bool) -> None:
    # GIVEN a body of the greatest size that is accepted, or an empty one
    body = base64.b64encode(sent.encode()).decode() if encoded else sent
    # WHEN it is read
    # THEN the result is what was sent
    assert read_bytes(request(body=body, isBase64Encoded=encoded)) == sent.encode()


@pytest.mark.parametrize("encoded", [False, True])
def test_a_body_that_is_one_byte_too_large_is_refused(encoded: bool) -> None:
    # GIVEN a body that is one byte too large
    sent = "x" * (MAX_BYTES + 1)
    body = base64.b64encode(sent.encode()).decode() if encoded else sent
    # WHEN it is read
    with pytest.raises(ProblemError) as caught:
        read_bytes(request(body=body, isBase64Encoded=encoded))
    # THEN it is refused
    assert caught.value.kind.status == 413


@pytest.mark.parametrize(("character", "encoded"), [("!", True), ("\ud800", False)])
def test_a_body_that_is_too_long_is_refused_before_anything_is_decoded(character: str, encoded: bool) -> None:
    # GIVEN a body that is too long and also cannot be decoded, because it is not base64 or not valid Unicode
    longest = (MAX_BYTES + 2) // 3 * 4 if encoded else MAX_BYTES
    # WHEN it is read
    with pytest.raises(ProblemError) as caught:
        read_bytes(request(body=character * (longest + 1), isBase64Encoded=encoded))
    # THEN it is refused for its length
    assert caught.value.kind.status == 413


@pytest.mark.parametrize(
    ("text", "detail"),
    [
        ("", "is empty"),
        (" \t\r\n", "is empty"),
        ("\u2003", "is not JSON"),
        ("\x0b", "is not JSON"),
        ("X", "is not JSON"),
    ],
)
def test_a_body_counts_as_empty_only_if_all_its_characters_are_white_space_in_json(text: str, detail: str) -> None:
    # GIVEN a body without a value
    # WHEN it is parsed
    with pytest.raises(ProblemError) as caught:
        parse_json(text.encode())
    # THEN it counts as empty only if all its characters are white space in JSON
    assert detail in str(caught.value.detail)


@pytest.mark.parametrize(
    ("text", "document"),
    [
        ("9" * 4300, 10**4300 - 1),
        ("-" + "9" * 4301, -(10**400) + 1),
        ("[1, " + "9" * 60_000 + ', "1"]', [1, 10**400 - 1, "1"]),
        ("1e400", float("inf")),
        (' {"a" : [true, null]}\r\n', {"a": [True, None]}),
    ],
)
def test_a_number_that_is_too_long_for_python_is_cut_to_400_digits(text: str, document: object) -> None:
    # GIVEN JSON with numbers of different lengths, or without a number
    # WHEN it is parsed
    # THEN a number that is too long for Python is cut to 400 digits. The other values are parsed as usual
    assert parse_json(text.encode()) == document


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "APPLICATION/JSON",
        " application/json ; ",
        "application/json;charset=utf-8",
        "application/json; charset=UTF-8",
        'application/json; Charset="utf-8"',
        "application/json; profile=x; charset=utf-8;",
        "application/json;;charset=utf-8",
        "application/json; charset=utf8",
        "application/json; charset=us-ascii",
        "application/json; charset=latin-1",
        'application/json; charset="utf-16',
        "application/json; charset",
    ],
)
@pytest.mark.parametrize("coding", [None, "", "identity", "Identity"])
def test_json_is_accepted_with_any_parameters_of_its_media_type(content_type: str, coding: str | None) -> None:
    # GIVEN uncompressed JSON whose media type has parameters, which have no effect
    sent = request(headers={"Content-Type": content_type, "Content-Encoding": coding})
    # WHEN it is checked
    # THEN it is accepted
    require_json(sent)
