"""Tests the texts of refusals word for word: they say what was wrong, what is allowed and what to change."""

import json
from typing import Any

import pytest

from runtime.models.order import OptionalFields
from tests.unit.api.conftest import Api
from tests.unit.api.factories import context, document, get, line, order, post

KEY_RULE = "Allowed are 1-255 visible ASCII characters, such as a UUID."
REFERENCE_RULE = "The client's own reference, 1-64 printable characters. It is stored and returned, without effect."
JSON_POST = {"Accept-Post": "application/json"}
NOT_BASE64 = {**post(), "body": "{}", "isBase64Encoded": True}
NOBODY = {**post(), "requestContext": {"requestId": "JKJaXmPLvHcESHA=", "authorizer": {"jwt": {}}}}


@pytest.mark.parametrize(
    ("event", "detail", "headers"),
    [
        (post(key=None), "Send the header `Idempotency-Key` with a new random key for each new order.", {}),
        (post(key=""), f"The key is empty. {KEY_RULE}", {}),
        (post(key="k" * 256), f"The key has 256 characters. {KEY_RULE}", {}),
        (
            post(key="a b"),
            "The key has a space, a control character or a character that is not ASCII. " + KEY_RULE,
            {},
        ),
        (
            post(key='"a'),
            "The header begins with a quote, so it must be one quoted string. "
            'The only escapes allowed in it are `\\"` and `\\\\`. ' + KEY_RULE,
            {},
        ),
        (
            post(key="a,b"),
            "The header has a comma outside quotes, so it may be several headers. Send one header or quote the key. "
            + KEY_RULE,
            {},
        ),
        (
            post(headers={"Content-Encoding": "gzip"}),
            "Send the body without a Content-Encoding.",
            {"Accept-Encoding": "identity"},
        ),
        (post(content_type=None), "Send `Content-Type: application/json`.", JSON_POST),
        (post(content_type="text/plain"), "The Content-Type is not supported. Send `application/json`.", JSON_POST),
        (post(raw="x" * 65_537), "The body has more than 65536 bytes. Split the order, or shorten it.", {}),
        (post(raw=b"{\xe9"), "The body is not UTF-8: byte 1 is wrong.", {}),
        (post(raw=" "), "The body is empty. Send the order as a JSON object.", {}),
        (post(raw="\ufeff{}"), "The body begins with a byte order mark. Send UTF-8 without one.", {}),
        (post(raw='{"a": 1,\n  2}'), "double quotes (line 2, column 3).", {}),
        (post(raw='{"a": NaN}'), "NaN is not a JSON value.", {}),
        (post(raw='{"a": 1, "a": 2}'), "An object in the body names a member twice. Send each name once.", {}),
        (NOT_BASE64, "The body is marked as base64 but is not base64.", {}),
        (post(raw='"\ud800"'), "The body has a character that UTF-8 cannot express.", {}),
        (NOBODY, "The token needs the claims `iss` and `sub`, each of 1-2048 printable characters.", {}),
        (post({}), "The order has 2 errors, see `errors`.", {}),
        (post(order(lines=[])), "The order has 1 error, see `errors`.", {}),
        (
            post({**order(), **{f"n{number}": 1 for number in range(21)}}),
            "The order has 21 errors, see `errors`. The first 20 of 21 are listed.",
            {},
        ),
        (post({**order(), **{f"n{number}": 1 for number in range(20)}}), "The order has 20 errors, see `errors`.", {}),
    ],
)
def test_a_refusal_says_what_to_change(
    untouched_api: Api, event: dict[str, object], detail: str, headers: dict[str, str]
) -> None:
    # GIVEN a request that cannot be accepted
    # WHEN it is sent
    response = untouched_api.create.handle(event, context())
    # THEN the answer says why, and no cache may store it
    answered = document(response)["detail"]
    assert answered == detail if detail[0].isupper() else answered.endswith(detail)
    assert response["headers"] == {
        "Content-Type": "application/problem+json",
        "Cache-Control": "no-store",
        "X-Correlation-Id": "JKJaXmPLvHcESHA=",
        **headers,
    }
    assert response["isBase64Encoded"] is False


@pytest.mark.parametrize(
    ("body", "pointer", "detail"),
    [
        ([], "", "Must be an object."),
        ({**order(), "x": 1}, "/x", "This field is not known. Remove it."),
        ({**order(), "\ud800": 1}, "", "The name of a field is not valid Unicode. Remove the field."),
        (
            order(lines=[{**line(), "\ud800": 1}]),
            "/lines/0",
            "The name of a field is not valid Unicode. Remove the field.",
        ),
        ({"lines": [line()]}, "/currency", "This field is required."),
        (order(lines=[]), "/lines", "At least one line is required."),
        (order(lines={}), "/lines", "Must be an array of lines."),
        (order(lines=[line(sku=f"S{number}") for number in range(51)]), "/lines", "At most 50 lines are allowed."),
        (
            order(lines=[line(), line()]),
            "/lines",
            "Each SKU may appear in one line only; add up the quantities.",
        ),
        (order(currency="eur"), "/currency", "Allowed: ISO 4217 code, three capital letters."),
        (
            order(lines=[line(quantity=0)]),
            "/lines/0/quantity",
            "Allowed: Units ordered, a whole number from 1 to 1000.",
        ),
        (
            order(lines=[line(unit_price=1)]),
            "/lines/0/unit_price",
            'Allowed: A decimal string like "19.90": 9 digits before the point and 4 after it at most. Never a float.',
        ),
        (
            order(lines=[line(sku="")]),
            "/lines/0/sku",
            "Allowed: Stock keeping unit: 1-64 letters, digits, `.`, `_` or `-`; begins with a letter or digit.",
        ),
        *(
            (
                order(reference=reference),
                "/reference",
                f"Allowed: {REFERENCE_RULE}",
            )
            for reference in ("", "\udfff")
        ),
        *(
            (order(**{name: 5}), f"/{name}", f"Allowed: {field.description}")
            for name, field in OptionalFields.model_fields.items()
        ),
    ],
)
def test_an_error_in_the_body_says_what_is_allowed_there(
    untouched_api: Api, body: object, pointer: str, detail: str
) -> None:
    # GIVEN an order with one error
    # WHEN it is sent
    response = untouched_api.post(raw=json.dumps(body))
    # THEN the answer names the place and the rule
    assert document(response)["errors"] == [{"pointer": pointer, "detail": detail}]


def test_the_pointer_of_an_error_includes_an_unknown_field_name_of_up_to_128_characters(untouched_api: Api) -> None:
    # GIVEN an unknown field with a name of 128 characters, and two with longer names
    body = {**order(lines=[{**line(), "l" * 129: 1}]), "n" * 128: 1, "m" * 129: 1}
    # WHEN they are sent
    errors = document(untouched_api.post(body))["errors"]
    # THEN the error of a longer name points at the object that contains the field
    assert [error["pointer"] for error in errors] == ["/lines/0", "/" + "n" * 128, ""]


def test_a_wrong_line_does_not_count_as_missing(untouched_api: Api) -> None:
    # GIVEN an order whose only line is wrong
    # WHEN it is sent
    errors = document(untouched_api.post(order(lines=[line(quantity=0)])))["errors"]
    # THEN no error says that a line is required, because there is one
    assert [error["pointer"] for error in errors] == ["/lines/0/quantity"]


def test_the_answer_about_an_unknown_order_says_where_ids_come_from(untouched_api: Api) -> None:
    # GIVEN an id that no order can have
    # WHEN it is looked up
    response = untouched_api.lookup.handle(get("x"), context())
    # THEN this is the whole answer
    assert response["body"] == (
        '{"type":"urn:problem-type:orders:order-not-found","title":"There is no such order","status":404,'
        '"detail":"No order of yours has this id. Take the id from the `Location` of the answer 202.",'
        '"outcome_known":true,"retryable":false}'
    )


def test_a_missing_id_is_answered_like_an_unknown_order(untouched_api: Api) -> None:
    # GIVEN an event without the path's parameter
    event: dict[str, Any] = {**get("x"), "pathParameters": None}
    # WHEN it is handled
    # THEN the answer is 404
    assert untouched_api.lookup.handle(event, context())["statusCode"] == 404
