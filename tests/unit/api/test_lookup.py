"""Tests what `GET /orders/{order_id}` shows, and to whom."""

from typing import Any

import pytest

from runtime.models.fields import SCHEMA_VERSION
from tests.unit.api.conftest import ORDERS, Api
from tests.unit.api.factories import document, line, order, problem

ALICE, BOB = ("https://issuer", "alice"), ("https://issuer", "bob")


def change(api: Api, order_id: str, **attributes: Any) -> None:
    """Overwrite these attributes of the stored order."""
    (item,) = (item for item in api.orders() if item["order_id"]["S"] == order_id)
    api.dynamodb.put_item(TableName=ORDERS, Item={**item, **attributes})


def test_a_caller_sees_the_order_as_it_was_accepted(api: Api) -> None:
    # GIVEN
    accepted = document(api.post(order(reference="r"), caller=ALICE))

    # WHEN
    response = api.get(accepted["order_id"], caller=ALICE)

    # THEN
    assert response["statusCode"] == 200
    assert response["headers"]["Content-Type"] == "application/json"
    assert document(response) == {**accepted, "lines": [line()], "reference": "r"}


def test_an_id_is_accepted_in_upper_and_in_lower_case(api: Api) -> None:
    # GIVEN
    order_id = document(api.post())["order_id"]

    # WHEN
    response = api.get(order_id.upper())

    # THEN
    assert response["statusCode"] == 200
    assert document(response)["order_id"] == order_id


def test_the_read_is_consistent_and_does_not_fetch_the_stored_error_of_the_order(api: Api) -> None:
    # GIVEN
    sent: list[dict[str, Any]] = []
    api.dynamodb.meta.events.register("provide-client-params.dynamodb.GetItem", lambda params, **_: sent.append(params))

    # WHEN
    api.get("00000000-0000-5000-8000-000000000000")

    # THEN
    (request,) = sent
    assert request["ConsistentRead"] is True
    assert "error" not in request["ExpressionAttributeNames"].values()


@pytest.mark.parametrize(
    ("status", "again"),
    [("ACCEPTED", "2"), ("FAILED", "60"), ("CONFIRMED", None), ("REJECTED", None), ("DISCARDED", None)],
)
def test_only_answers_about_open_orders_have_the_retry_after_header(api: Api, status: str, again: str | None) -> None:
    # GIVEN
    order_id = document(api.post())["order_id"]
    change(api, order_id, status={"S": status})

    # WHEN
    response = api.get(order_id)

    # THEN
    assert response["headers"].get("Retry-After") == again


@pytest.mark.parametrize("status", ["CONFIRMED", "REJECTED", "DISCARDED"])
def test_a_final_order_shows_status_reason_and_time(api: Api, status: str) -> None:
    # GIVEN
    order_id = document(api.post())["order_id"]
    reason = {"code": {"S": "OUT_OF_STOCK"}, "skus": {"L": [{"S": "SKU-1"}]}, "by": {"S": "ops@example.org"}}
    settled_at = "2026-01-31T12:00:05.000Z"
    change(api, order_id, status={"S": status}, reason={"M": reason}, settled_at={"S": settled_at})

    # WHEN
    seen = document(api.get(order_id))

    # THEN
    assert seen["status"] == status
    assert seen["reason"] == {"code": "OUT_OF_STOCK", "skus": ["SKU-1"]}
    assert seen["settled_at"] == settled_at


def test_a_failed_order_is_shown_as_delayed_and_without_its_error(api: Api) -> None:
    # GIVEN
    order_id = document(api.post())["order_id"]
    change(api, order_id, status={"S": "FAILED"}, error={"M": {"error_type": {"S": "internal"}}})

    # WHEN
    response = api.get(order_id)

    # THEN
    assert document(response)["status"] == "DELAYED"
    assert "error" not in response["body"]
    assert "FAILED" not in response["body"]


def test_an_order_with_fields_of_a_newer_version_is_shown(api: Api) -> None:
    # GIVEN
    order_id = document(api.post())["order_id"]
    (item,) = api.orders()
    lines = {"L": [{"M": {**item["lines"]["L"][0]["M"], "gift": {"BOOL": True}}}]}
    change(
        api,
        order_id,
        lines=lines,
        schema_version={"N": str(SCHEMA_VERSION + 1)},
        priority={"N": "1"},
        reason={"NULL": True},
    )

    # WHEN
    response = api.get(order_id)

    # THEN
    assert document(response)["lines"] == [line()]


def test_another_callers_order_looks_like_a_missing_one(api: Api) -> None:
    # GIVEN
    theirs = document(api.post(caller=ALICE))["order_id"]
    ownerless = theirs[:-1] + ("0" if theirs[-1] != "0" else "1")
    api.dynamodb.put_item(TableName=ORDERS, Item={"order_id": {"S": ownerless}, "status": {"S": "FAILED"}})
    unknown = "00000000-0000-5000-8000-000000000000"

    # WHEN
    answers = [api.get(theirs, caller=BOB), api.get(theirs), api.get(ownerless), api.get(unknown), api.get("x")]

    # THEN
    assert problem(answers[0]) == "order-not-found"
    assert answers[0]["statusCode"] == 404
    assert all(answer == answers[0] for answer in answers)


@pytest.mark.parametrize("order_id", ["", None, 5, "%00", "\ud800", "0" * 10_000, "00000000-0000-4000-8000-0000000000"])
def test_an_id_that_no_order_can_have_is_refused_without_a_read(untouched_api: Api, order_id: object) -> None:
    # GIVEN / WHEN
    response = untouched_api.get(order_id)

    # THEN
    assert problem(response) == "order-not-found"


def test_an_item_that_is_no_order_is_not_shown(api: Api) -> None:
    # GIVEN
    order_id = document(api.post())["order_id"]
    change(api, order_id, status={"S": "TELEPORTED"})

    # WHEN
    response = api.get(order_id)

    # THEN
    assert response["statusCode"] == 503
    assert "TELEPORTED" not in response["body"]
