"""Tests that requests just within the limits of the API are accepted."""

import json

import pytest

from tests.unit.api.conftest import Api
from tests.unit.api.factories import document, line, order


@pytest.mark.parametrize(
    "key", ["k", "k" * 255, "!#$%&'*+-.^_`|~()<>@;:/[]?={}\\", '"' + "k" * 255 + '"', '"a,b"', " k "]
)
def test_a_key_at_the_limits_is_accepted(shared_api: Api, key: str) -> None:
    # GIVEN / WHEN
    response = shared_api.post(key=key)

    # THEN
    assert response["statusCode"] == 202


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "Application/JSON",
        " application/json ",
        "application/json;",
        "application/json;charset=utf-8",
        'application/json ; Charset="UTF-8"',
        "application/json; profile=x; charset=utf-8",
        "application/json; charset=us-ascii",
    ],
)
def test_media_types_of_json_are_accepted(shared_api: Api, content_type: str) -> None:
    # GIVEN / WHEN
    response = shared_api.post(content_type=content_type)

    # THEN
    assert response["statusCode"] == 202


@pytest.mark.parametrize("as_bytes", [False, True])
def test_a_body_of_exactly_64_kib_is_accepted(shared_api: Api, as_bytes: bool) -> None:
    # GIVEN
    text = json.dumps(order())
    text += " " * (65_536 - len(text))

    # WHEN
    response = shared_api.post(raw=text.encode() if as_bytes else text)

    # THEN
    assert response["statusCode"] == 202


def test_the_largest_order_has_an_exact_total(shared_api: Api) -> None:
    # GIVEN
    lines = [line(sku=f"{number:02}" + "S" * 62, quantity=1000, unit_price="999999999.9999") for number in range(50)]

    # WHEN
    response = shared_api.post(order(lines=lines, reference="😀" * 64), key="largest")

    # THEN
    assert document(response)["total"] == "49999999999995.0000"


def test_an_order_may_cost_nothing(shared_api: Api) -> None:
    # GIVEN / WHEN
    response = shared_api.post(order(lines=[line(unit_price="0.00")]), key="free")

    # THEN
    assert document(response)["total"] == "0.00"


def test_the_content_encoding_identity_is_accepted(shared_api: Api) -> None:
    # GIVEN / WHEN
    response = shared_api.post(headers={"Content-Encoding": "Identity"})

    # THEN
    assert response["statusCode"] == 202
