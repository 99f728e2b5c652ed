"""Tests what `POST /orders` does with a valid order."""

import json
from urllib.parse import urljoin

import pytest

from runtime.models.fields import SCHEMA_VERSION
from tests.unit.api.conftest import Api
from tests.unit.api.factories import KEY, document, line, order, problem


def test_an_order_is_accepted_with_its_exact_total(api: Api) -> None:
    # GIVEN
    body = order(lines=[line(sku="A", quantity=3, unit_price="0.1"), line(sku="B", quantity=1, unit_price="0.2000")])

    # WHEN
    response = api.post(body)

    # THEN
    answer = document(response)
    assert response["statusCode"] == 202
    assert list(answer) == ["order_id", "status", "total", "currency", "accepted_at"]
    assert answer["status"] == "ACCEPTED"
    assert answer["total"] == "0.5000"
    assert answer["accepted_at"] == "2026-01-31T12:00:01.000Z"
    assert response["headers"]["Location"] == f"orders/{answer['order_id']}"
    assert "Idempotent-Replayed" not in response["headers"]


def test_the_whole_order_is_sent_with_its_attributes(api: Api) -> None:
    # GIVEN
    traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

    # WHEN
    response = api.post(order(reference="№ 7 ✓"), headers={"X-Correlation-Id": "mine-1", "TraceParent": traceparent})

    # THEN
    (message,) = api.messages()
    sent = json.loads(message["Body"])
    order_id = document(response)["order_id"]
    assert sent["lines"] == [line()]
    assert (sent["order_id"], sent["reference"], sent["total"]) == (order_id, "№ 7 ✓", "39.80")
    assert (sent["correlation_id"], sent["traceparent"]) == ("mine-1", traceparent)
    assert response["headers"]["X-Correlation-Id"] == "mine-1"
    assert {name: value["StringValue"] for name, value in message["MessageAttributes"].items()} == {
        "order_id": order_id,
        "schema_version": str(SCHEMA_VERSION),
        "correlation_id": "mine-1",
    }


def test_the_stored_order_has_every_field_of_the_message(api: Api) -> None:
    # GIVEN / WHEN
    api.post(order(reference="r"))

    # THEN
    (item,) = api.orders()
    (message,) = api.messages()
    assert item["status"] == {"S": "ACCEPTED"}
    assert item["lines"] == {
        "L": [{"M": {"sku": {"S": "SKU-1"}, "quantity": {"N": "2"}, "unit_price": {"S": "19.90"}}}]
    }
    assert set(item) == {"status", *json.loads(message["Body"])}


def test_a_retry_gets_the_same_bytes_and_is_marked_as_a_replay(api: Api) -> None:
    # GIVEN
    first = api.post()

    # WHEN
    retry = api.post()

    # THEN
    assert retry["body"] == first["body"]
    assert retry["statusCode"] == 202
    assert retry["headers"]["Location"] == first["headers"]["Location"]
    assert retry["headers"]["Idempotent-Replayed"] == "true"
    assert len(api.messages()) == 1


def test_a_retry_after_the_key_has_expired_gets_the_same_bytes(api: Api) -> None:
    # GIVEN
    first = api.post()
    (record,) = api.records()
    api.dynamodb.delete_item(TableName=api.settings.idempotency_table, Key={"id": record["id"]})

    # WHEN
    again = api.post()

    # THEN
    assert again["body"] == first["body"]
    assert "Idempotent-Replayed" not in again["headers"]
    assert len(api.orders()) == 1


def test_a_key_is_the_same_with_and_without_quotes(api: Api) -> None:
    # GIVEN
    first = api.post(key='a"b\\c')

    # WHEN
    quoted = api.post(key='"a\\"b\\\\c"')

    # THEN
    assert quoted["body"] == first["body"]
    assert quoted["headers"]["Idempotent-Replayed"] == "true"


def test_a_retry_gets_the_same_answer_if_its_json_is_written_differently(api: Api) -> None:
    # GIVEN
    first = api.post(raw='{"currency":"EUR","lines":[{"sku":"A","quantity":1,"unit_price":"1"}]}')

    # WHEN
    retry = api.post(raw=b'{ "lines" : [ {"unit_price":"1","quantity":1,"sku":"\\u0041"} ],\n"currency":"EUR" }')

    # THEN
    assert retry["body"] == first["body"]


@pytest.mark.parametrize("changed", [{"reference": "r"}, {"lines": [line(unit_price="19.9")]}, {"reference": None}])
def test_the_key_with_another_body_is_refused(api: Api, changed: dict[str, object]) -> None:
    # GIVEN
    api.post()

    # WHEN
    response = api.post(order(**changed))

    # THEN
    assert response["statusCode"] == 422
    assert problem(response) == "idempotency-key-reused"
    assert len(api.messages()) == 1


def test_callers_do_not_share_keys(api: Api) -> None:
    # GIVEN
    first = api.post(caller=("https://issuer", "alice"))

    # WHEN
    other = api.post(caller=("https://issuer", "bob"))

    # THEN
    assert other["statusCode"] == 202
    assert "Idempotent-Replayed" not in other["headers"]
    assert document(other)["order_id"] != document(first)["order_id"]


def test_the_api_does_not_change_the_status_and_time_of_an_order_that_the_worker_stored_first(api: Api) -> None:
    # GIVEN
    order_id = document(api.post())["order_id"]
    api.dynamodb.put_item(
        TableName=api.settings.orders_table,
        Item={"order_id": {"S": order_id}, "status": {"S": "FAILED"}, "accepted_at": {"S": "2026-01-01T00:00:00.000Z"}},
    )
    (record,) = api.records()
    api.dynamodb.delete_item(TableName=api.settings.idempotency_table, Key={"id": record["id"]})

    # WHEN
    answer = document(api.post())

    # THEN
    (item,) = api.orders()
    assert item["status"] == {"S": "FAILED"}
    assert item["currency"] == {"S": "EUR"}
    assert answer["accepted_at"] == "2026-01-01T00:00:00.000Z"
    assert answer["status"] == "ACCEPTED"


def test_the_record_contains_hashes_and_expires_after_the_configured_time(api: Api) -> None:
    # GIVEN / WHEN
    api.post(order(reference="private"))

    # THEN
    (record,) = api.records()
    lasts = int(record["expiration"]["N"]) - int(record["in_progress_expiration"]["N"]) // 1000
    assert record["id"]["S"].startswith("create-order#")
    assert KEY not in str(record)
    assert "private" not in str(record)
    assert lasts == pytest.approx(86_400 - 10, abs=2)


@pytest.mark.parametrize(
    "url",
    [
        "https://api.example/orders",
        "https://api.example/shop/v1/orders",
        "http://127.0.0.1:4566/restapis/a1b2/$default/_user_request_/orders?trace=1",
    ],
)
def test_location_resolves_to_the_order_for_any_base_url(api: Api, url: str) -> None:
    # GIVEN the answer to a POST
    response = api.post()

    # WHEN a client resolves the answer's Location against the URL of the POST / THEN the result is the order's URL
    expected = f"{url.partition('?')[0]}/{document(response)['order_id']}"
    assert urljoin(url, response["headers"]["Location"]) == expected
