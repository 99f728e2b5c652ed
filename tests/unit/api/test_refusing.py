"""Tests the status and the problem of requests that are refused before any call to a table or queue."""

import base64
import json

import pytest

from runtime.http.problems import CATALOGUE, ProblemError
from runtime.models.fields import MAX_STRUCTURAL
from tests.unit.api.conftest import Api
from tests.unit.api.factories import context, document, line, order, post, problem

HUGE = "1" + "0" * 60_000


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        (None, "idempotency-key-missing"),
        ("", "idempotency-key-malformed"),
        (" ", "idempotency-key-malformed"),
        ('""', "idempotency-key-malformed"),
        ('"', "idempotency-key-malformed"),
        ('"a', "idempotency-key-malformed"),
        ('"a"b"', "idempotency-key-malformed"),
        ('"a\\b"', "idempotency-key-malformed"),
        ('"a";p=1', "idempotency-key-malformed"),
        ('"a", "b"', "idempotency-key-malformed"),
        ('"a b"', "idempotency-key-malformed"),
        ("a b", "idempotency-key-malformed"),
        ("a,a", "idempotency-key-malformed"),
        ("a\tb", "idempotency-key-malformed"),
        ("a\n", "idempotency-key-malformed"),
        ("é", "idempotency-key-malformed"),
        ("\x7f", "idempotency-key-malformed"),
        ("k" * 256, "idempotency-key-malformed"),
    ],
)
def test_a_missing_or_malformed_key_is_refused(untouched_api: Api, key: str | None, expected: str) -> None:
    # GIVEN / WHEN
    response = untouched_api.post(key=key)

    # THEN
    assert response["statusCode"] == 400
    assert problem(response) == expected


def test_two_key_headers_that_differ_only_in_case_are_refused(untouched_api: Api) -> None:
    # GIVEN a second header `Idempotency-Key`, besides the usual header `idempotency-key`
    headers: dict[str, object] = {"Idempotency-Key": "another"}

    # WHEN
    response = untouched_api.post(headers=headers)

    # THEN
    assert problem(response) == "idempotency-key-malformed"


@pytest.mark.parametrize(
    "content_type",
    [
        None,
        "",
        "text/plain",
        "application/jsonx",
        "application/problem+json",
        "application/json, application/json",
        "application/json charset=utf-8",
    ],
)
def test_a_media_type_that_is_not_json_is_refused(untouched_api: Api, content_type: str | None) -> None:
    # GIVEN / WHEN
    response = untouched_api.post(content_type=content_type)

    # THEN
    assert response["statusCode"] == 415
    assert problem(response) == "unsupported-media-type"
    assert response["headers"]["Accept-Post"] == "application/json"


def test_a_compressed_body_is_refused(untouched_api: Api) -> None:
    # GIVEN / WHEN
    response = untouched_api.post(headers={"Content-Encoding": "gzip"})

    # THEN
    assert problem(response) == "unsupported-media-type"
    assert response["headers"]["Accept-Encoding"] == "identity"


@pytest.mark.parametrize(
    "raw",
    [
        "x" * 65_537,
        b"x" * 65_537,
        "é" * 32_769,
        "x" * 1_048_576,
        b"\0" * 1_048_576,
        json.dumps(order()) + " " * 65_536,
    ],
    ids=["text", "base64", "two-byte characters", "1 MiB", "1 MiB as base64", "white space"],
)
def test_a_body_over_64_kib_is_refused(untouched_api: Api, raw: str | bytes) -> None:
    # GIVEN / WHEN
    response = untouched_api.post(raw=raw)

    # THEN
    assert response["statusCode"] == 413
    assert problem(response) == "content-too-large"


@pytest.mark.parametrize(
    ("raw", "detail"),
    [
        ("", "empty"),
        (" \r\n", "empty"),
        ("{", "not JSON"),
        ("{'a': 1}", "not JSON"),
        ('{"a": 1,}', "not JSON"),
        ('{"a": 01}', "not JSON"),
        ('{"a": "\n"}', "not JSON"),
        ('{"a": 1} {}', "not JSON"),
        ('{"a": NaN}', "NaN"),
        ('{"a": -Infinity}', "-Infinity"),
        ('{"a": 1, "a": 1}', "twice"),
        ('{"lines": [{"sku": "A", "\\u0073ku": "B"}]}', "twice"),
        ("[" * MAX_STRUCTURAL, "not JSON"),
        ('{"a":' * (MAX_STRUCTURAL // 2), "not JSON"),
        ("\ufeff{}", "byte order mark"),
        (b"\xef\xbb\xbf{}", "byte order mark"),
        ('{"currency": "EUR"}'.encode("utf-16"), "not UTF-8"),
        ('{"currency": "EUR"}'.encode("utf-16-le"), "not JSON"),
        (b'{"a": "\xe9"}', "not UTF-8"),
        (b"\xed\xa0\x80", "not UTF-8"),
        ('{"a": "\ud800"}', "UTF-8 cannot express"),
    ],
)
def test_a_body_that_is_not_json_is_refused(untouched_api: Api, raw: str | bytes, detail: str) -> None:
    # GIVEN / WHEN
    response = untouched_api.post(raw=raw)

    # THEN
    assert response["statusCode"] == 400
    assert problem(response) == "malformed-json"
    assert detail in document(response)["detail"]


@pytest.mark.parametrize("body", ["{}", "é", base64.b64encode(b"{}").decode() + "\n"])
def test_a_body_that_is_wrongly_marked_as_base64_is_refused(untouched_api: Api, body: str) -> None:
    # GIVEN
    event = {**post(), "body": body, "isBase64Encoded": True}

    # WHEN
    response = untouched_api.create.handle(event, context())

    # THEN
    assert problem(response) == "malformed-json"
    assert "base64" in document(response)["detail"]


@pytest.mark.parametrize(
    ("raw", "pointers"),
    [
        ("[]", [""]),
        ("null", [""]),
        ('"text"', [""]),
        (HUGE, [""]),
        ("1.5", [""]),
        ("{}", ["/currency", "/lines"]),
        (json.dumps(order(currency="eur")), ["/currency"]),
        (json.dumps(order(currency="EUR\n")), ["/currency"]),
        (json.dumps(order(lines=[])), ["/lines"]),
        (json.dumps(order(lines={})), ["/lines"]),
        (json.dumps(order(lines="SKU-1")), ["/lines"]),
        (json.dumps(order(lines=[1])), ["/lines/0"]),
        (json.dumps(order(lines=[line(sku=f"S{number}") for number in range(51)])), ["/lines"]),
        (json.dumps(order(lines=[line(), line()])), ["/lines"]),
        (json.dumps(order(lines=[line(sku="")])), ["/lines/0/sku"]),
        (json.dumps(order(lines=[line(sku="S" * 65)])), ["/lines/0/sku"]),
        (json.dumps(order(lines=[line(sku="\ud800")])), ["/lines/0/sku"]),
        (json.dumps(order(lines=[line(quantity=0)])), ["/lines/0/quantity"]),
        (json.dumps(order(lines=[line(quantity=1001)])), ["/lines/0/quantity"]),
        (json.dumps(order(lines=[line(quantity=-1)])), ["/lines/0/quantity"]),
        (json.dumps(order(lines=[line(quantity=True)])), ["/lines/0/quantity"]),
        (json.dumps(order(lines=[line(quantity="5")])), ["/lines/0/quantity"]),
        (json.dumps(order(lines=[line(quantity=2.0)])), ["/lines/0/quantity"]),
        (json.dumps(order(lines=[line(quantity="HUGE")])).replace('"HUGE"', HUGE), ["/lines/0/quantity"]),
        (json.dumps(order(lines=[line(quantity="E")])).replace('"E"', "1e400"), ["/lines/0/quantity"]),
        (json.dumps(order(lines=[line(unit_price=19.9)])), ["/lines/0/unit_price"]),
        (json.dumps(order(lines=[line(unit_price=19)])), ["/lines/0/unit_price"]),
        *[
            (json.dumps(order(lines=[line(unit_price=price)])), ["/lines/0/unit_price"])
            for price in (
                "",
                "1.",
                ".5",
                "01",
                "-1",
                "+1",
                "1e3",
                "1,5",
                "NaN",
                "1.00000",
                "1000000000",
                "1\n",
                "\u0661",
            )
        ],
        (json.dumps(order(reference="")), ["/reference"]),
        (json.dumps(order(reference="r" * 65)), ["/reference"]),
        (json.dumps(order(reference="a\u202eb")), ["/reference"]),
        (json.dumps(order(reference="\udfff")), ["/reference"]),
        (json.dumps({**order(), "a/b~c": 1}), ["/a~1b~0c"]),
        (json.dumps({**order(), "total": "39.80"}), ["/total"]),
        (json.dumps({**order(), "n" * 60_000: 1}), [""]),
        (json.dumps({**order(), "\ud800": 1}), [""]),
        (json.dumps(order(lines=[line(discount="1")])), ["/lines/0/discount"]),
        (
            json.dumps(order(lines=[line(sku="A", quantity=0), line(sku="B", unit_price=1)])),
            ["/lines/0/quantity", "/lines/1/unit_price"],
        ),
    ],
)
def test_the_refusal_of_an_invalid_order_lists_its_errors(untouched_api: Api, raw: str, pointers: list[str]) -> None:
    # GIVEN / WHEN
    response = untouched_api.post(raw=raw)

    # THEN
    body = document(response)
    assert response["statusCode"] == 422
    assert problem(response) == "validation-failed"
    assert [error["pointer"] for error in body["errors"]] == pointers
    assert all(error["detail"] for error in body["errors"])
    assert len(response["body"]) < 1000


def test_only_the_first_errors_are_listed_but_all_are_counted(untouched_api: Api) -> None:
    # GIVEN
    body = {**order(), **{f"n{number}": number for number in range(300)}}

    # WHEN
    response = untouched_api.post(body)

    # THEN
    assert len(document(response)["errors"]) == 20
    assert "300 errors" in document(response)["detail"]


@pytest.mark.parametrize(
    "authorizer",
    [
        {"jwt": {"claims": {"iss": "https://issuer"}}},
        {"jwt": {"claims": {"sub": "alice"}}},
        {"jwt": {"claims": {"iss": "https://issuer", "sub": ""}}},
        {"jwt": {"claims": {"iss": ["https://issuer"], "sub": "alice"}}},
        {"jwt": {"claims": {"iss": "https://issuer", "sub": "\ud800"}}},
        {"jwt": None},
        {"lambda": {"sub": "alice"}},
        "alice",
    ],
)
def test_a_token_that_does_not_name_its_caller_is_refused(untouched_api: Api, authorizer: object) -> None:
    # GIVEN
    event = {**post(), "requestContext": {"authorizer": authorizer}}

    # WHEN
    response = untouched_api.create.handle(event, context())

    # THEN
    assert response["statusCode"] == 403
    assert problem(response) == "caller-unidentified"


def test_the_key_is_checked_before_the_media_type_and_the_media_type_before_the_body(untouched_api: Api) -> None:
    # GIVEN
    raw = "x" * 70_000

    # WHEN
    kinds = [
        problem(untouched_api.post(raw=raw, key=None, content_type=None)),
        problem(untouched_api.post(raw=raw, content_type=None)),
        problem(untouched_api.post(raw=raw)),
        problem(untouched_api.post(raw=raw[:10])),
    ]

    # THEN
    assert kinds == ["idempotency-key-missing", "unsupported-media-type", "content-too-large", "malformed-json"]


def test_problem_types_are_unique_and_stable() -> None:
    # GIVEN / WHEN
    types = {kind.type: kind.status for kind in CATALOGUE}

    # THEN
    assert len(types) == len(CATALOGUE)
    assert types == {
        "urn:problem-type:orders:idempotency-key-missing": 400,
        "urn:problem-type:orders:idempotency-key-malformed": 400,
        "urn:problem-type:orders:malformed-json": 400,
        "urn:problem-type:orders:caller-unidentified": 403,
        "urn:problem-type:orders:edge-bypassed": 403,
        "urn:problem-type:orders:order-not-found": 404,
        "urn:problem-type:orders:request-in-progress": 409,
        "urn:problem-type:orders:content-too-large": 413,
        "urn:problem-type:orders:unsupported-media-type": 415,
        "urn:problem-type:orders:validation-failed": 422,
        "urn:problem-type:orders:idempotency-key-reused": 422,
        "urn:problem-type:orders:outcome-unknown": 503,
    }


def test_every_problem_says_whether_the_outcome_is_known_and_whether_a_retry_helps() -> None:
    # GIVEN every kind of problem
    # WHEN its document is built
    documents = {kind.name: json.loads(ProblemError(kind, "why").body()) for kind in CATALOGUE}

    # THEN the outcome is unknown for two kinds only, and only these two can be retried unchanged
    for member in ("outcome_known", "retryable"):
        assert all(isinstance(document[member], bool) for document in documents.values())
    assert {name for name, document in documents.items() if not document["outcome_known"]} == {
        "request-in-progress",
        "outcome-unknown",
    }
    assert {name for name, document in documents.items() if document["retryable"]} == {
        "request-in-progress",
        "outcome-unknown",
    }
