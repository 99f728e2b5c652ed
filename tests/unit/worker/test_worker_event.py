"""Tests that the event of an order has the same bytes whenever it is published."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.logic.event import event_for
from runtime.logic.failures import CorruptDataError
from runtime.models.order import StoredOrder
from tests.unit.worker.factories import ACCEPTED_AT, SETTLED_AT, order_id, stored

SOURCE = "/orders-test"

# Subscribers may store or sign an event and later compare its bytes, so these bytes never change. A new optional field
# of orders is allowed, because the event of an order without this field stays the same. Any other new field needs a new
# event type: with the old type, subscribers would get two versions of one event after a deployment.
CONFIRMED = (
    '{"correlationid":"correlation-1","data":{"accepted_at":"2026-01-31T12:00:00.000Z","currency":"EUR","lines":'
    '[{"quantity":2,"sku":"SKU-1","unit_price":"19.90"}],"order_id":"00000000-0001-5000-8000-000000000000",'
    '"reference":"caf\\u00e9","settled_at":"2026-01-31T12:00:01.500Z","status":"CONFIRMED","total":"39.80"},'
    '"datacontenttype":"application/json","id":"00000000-0001-5000-8000-000000000000:order.confirmed",'
    '"source":"/orders-test","specversion":"1.0","subject":"00000000-0001-5000-8000-000000000000",'
    '"time":"2026-01-31T12:00:01.500Z","traceparent":"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",'
    '"type":"order.confirmed"}'
)
REJECTED = (
    '{"correlationid":"correlation-1","data":{"accepted_at":"2026-01-31T12:00:00.000Z","currency":"EUR","lines":'
    '[{"quantity":2,"sku":"SKU-1","unit_price":"19.90"}],"order_id":"00000000-0001-5000-8000-000000000000",'
    '"reason":{"code":"OUT_OF_STOCK","skus":["SKU-1"]},"settled_at":"2026-01-31T12:00:01.500Z",'
    '"status":"REJECTED","total":"39.80"},"datacontenttype":"application/json",'
    '"id":"00000000-0001-5000-8000-000000000000:order.rejected","source":"/orders-test","specversion":"1.0",'
    '"subject":"00000000-0001-5000-8000-000000000000","time":"2026-01-31T12:00:01.500Z","type":"order.rejected"}'
)


@pytest.mark.parametrize(
    ("order", "document"),
    [
        pytest.param(
            stored(reference="café", traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
            CONFIRMED,
            id="confirmed",
        ),
        pytest.param(
            stored(status="REJECTED", reason={"code": "OUT_OF_STOCK", "skus": ["SKU-1"]}), REJECTED, id="rejected"
        ),
    ],
)
def test_the_bytes_of_an_event_are_pinned(order: StoredOrder, document: str) -> None:
    # GIVEN a settled order
    # WHEN its event is built, by this version or by any later one
    # THEN it has these bytes
    assert event_for(order, source=SOURCE).document == document


def test_an_event_has_the_id_and_type_and_currency_of_its_document() -> None:
    # GIVEN a confirmed order
    event = event_for(stored(), source=SOURCE)
    # WHEN its attributes are compared with its document
    document = json.loads(event.document)
    # THEN they have the same values
    assert (event.event_id, event.event_type) == (document["id"], document["type"])
    assert event.currency == document["data"]["currency"]


def test_an_event_contains_neither_the_caller_nor_internal_errors() -> None:
    # GIVEN a settled order that still has an internal error
    order = stored(error={"error_type": "X", "error": "internal"})
    # WHEN its event is built
    document = event_for(order, source=SOURCE).document
    # THEN the event contains neither the caller nor the error
    assert "c" * 64 not in document
    assert "internal" not in document


@pytest.mark.parametrize("status", ["ACCEPTED", "FAILED", "DISCARDED"])
def test_only_a_settled_order_has_an_event(status: str) -> None:
    # GIVEN an order that is not settled
    order = stored(status=status)
    # WHEN its event is built
    # THEN the error names what was given and what is allowed
    with pytest.raises(ValueError, match=f"{status}.*CONFIRMED, REJECTED"):
        event_for(order, source=SOURCE)


@pytest.mark.parametrize("field", ["settled_at", "accepted_at", "currency", "total"])
def test_a_settled_order_that_lacks_a_field_has_no_event(field: str) -> None:
    # GIVEN a settled order without one of the required fields
    order = stored(1, **{field: None})
    # WHEN its event is built
    # THEN the error names the field, and there is no incomplete event
    with pytest.raises(CorruptDataError, match=rf"{order_id(1)}.*{field}"):
        event_for(order, source=SOURCE)


@given(
    reference=st.none() | st.just("x"),
    traceparent=st.none() | st.just("t"),
    skus=st.lists(st.sampled_from(["A", "B"]), unique=True),
    source=st.text(min_size=1).filter(str.isprintable),
)
def test_an_event_is_a_cloudevent_that_depends_only_on_the_stored_order_and_the_source(
    reference: str | None, traceparent: str | None, skus: list[str], source: str
) -> None:
    # GIVEN the same item, read twice
    fields: dict[str, Any] = {
        "status": "REJECTED",
        "reason": {"code": "UNKNOWN_SKU", "skus": skus},
        "reference": reference,
        "traceparent": traceparent,
    }
    # WHEN its event is built twice
    first, second = (event_for(stored(**fields), source=source).document for _ in range(2))
    # THEN both are the same ASCII text with everything that CloudEvents requires, and no nulls
    assert first == second
    assert first.isascii()
    document = json.loads(first)
    assert document["specversion"] == "1.0"
    assert (document["source"], document["subject"], document["time"]) == (source, order_id(1), SETTLED_AT)
    assert document["data"]["accepted_at"] == ACCEPTED_AT
    assert None not in document.values()
    assert None not in document["data"].values()
