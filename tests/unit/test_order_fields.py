"""Tests every field of an order: it arrives in each of `PLACES`, and the error of a wrong value says what is allowed.

A field is declared once, in `runtime/models/order.py`. These tests read the fields there; `FIELDS` repeats their names
for each version of the queue message.
"""

from __future__ import annotations

import json
from functools import cache
from typing import Any, Final

import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError

from lab.simulation.world import World, simulated
from runtime.http.problems import ProblemError
from runtime.http.validation import to_order
from runtime.logic.message import read_message
from runtime.models.fields import OLDEST_SCHEMA_VERSION, SCHEMA_VERSION
from runtime.models.order import OrderLine, OrderMessage, OrderRequest
from runtime.store.items import from_item
from tests.unit.worker.factories import content

PLACES: Final = ("queue message", "row", "answer to GET", "event")
FIELDS: Final = {
    1: {
        *("schema_version", "order_id", "caller", "accepted_at", "correlation_id", "traceparent", "total"),
        *("currency", "lines", "sku", "quantity", "unit_price", "reference"),
    },
}
"""The fields of a queue message, for each version that may still be received."""
REQUIRED: Final = {"currency": "EUR"}
REQUIRED_OF_LINE: Final = {"sku": "SKU-1", "quantity": 2, "unit_price": "19.90"}
WRONG: Final[tuple[Any, ...]] = (1.5, [], {}, True, "\x00", "\ud800", "x" * 10_000)


def filled(model: type[BaseModel], required: dict[str, Any]) -> dict[str, Any]:
    """Return the values in `required`, and the first example of each optional field of `model`."""
    optional = {name: field.examples for name, field in model.model_fields.items() if not field.is_required()}
    missing = [name for name, examples in optional.items() if not examples]
    assert not missing, f"{model.__name__}: add `examples=[...]` to {missing} in runtime/models/order.py"
    return {**required, **{name: examples[0] for name, examples in optional.items() if examples}}


def order() -> dict[str, Any]:
    """Return an order with every field."""
    return {**filled(OrderRequest, REQUIRED), "lines": [filled(OrderLine, REQUIRED_OF_LINE)]}


@cache
def arrived() -> dict[str, dict[str, Any]]:
    """Return the order with every field, as it arrives in each place."""
    with simulated(World()) as world:
        world.stock_up("SKU-1", 10)
        response = world.post("key", json.dumps(order())).response
        assert response is not None
        order_id = json.loads(response["body"])["order_id"]
        (message,) = world.orders_queue.messages.values()
        world.drain()
        (event,) = world.subscriber.received
        found = message.body, world.get(order_id)["body"], event.body
        sent, shown, published = (json.loads(text) for text in found)
        return dict(zip(PLACES, (sent, from_item(world.orders[order_id]), shown, published["data"]), strict=True))


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("name", OrderRequest.model_fields)
def test_a_field_arrives_as_it_was_sent(name: str, place: str) -> None:
    # GIVEN an order with every field
    # WHEN it has been accepted, processed, shown and published
    # THEN the field is in this place, with the value that was sent
    assert arrived()[place].get(name) == order()[name], f"{name} is missing or different in the {place}"


@pytest.mark.parametrize(
    ("model", "name"),
    [(model, name) for model in (OrderRequest, OrderLine) for name in model.model_fields if name != "lines"],
)
def test_the_error_of_a_wrong_value_says_what_is_allowed(model: type[BaseModel], name: str) -> None:
    # GIVEN an order with a value that the field does not accept
    field = model.model_fields[name]
    assert field.description, "describe what is allowed, because a refused client reads it"
    takes: TypeAdapter[Any] = TypeAdapter(field.rebuild_annotation())
    wrong = [value for value in WRONG if not _is_valid(takes, value)]
    assert wrong
    for value in wrong:
        document = order()
        target, at = (document["lines"][0], "/lines/0") if model is OrderLine else (document, "")
        target[name] = value
        # WHEN it is refused
        with pytest.raises(ProblemError) as caught:
            to_order(document)
        # THEN the error names the place, and repeats the field's description, which says what is allowed
        (error,) = caught.value.errors
        assert error.pointer == f"{at}/{name}"
        assert error.detail == f"Allowed: {field.description}"


def _is_valid(takes: TypeAdapter[Any], value: object) -> bool:
    try:
        takes.validate_python(value, strict=True)
    except ValidationError:
        return False
    return True


def test_the_current_version_of_the_message_has_the_fields_that_are_listed_here() -> None:
    # GIVEN the fields that are written now
    written = {*OrderMessage.model_fields, *OrderLine.model_fields}
    # WHEN they are compared with the list of the current version
    # THEN they are the same. If a field were added without a new version, older workers would dead-letter the message
    assert FIELDS.get(SCHEMA_VERSION) == written, (
        "messages have changed: raise SCHEMA_VERSION in runtime/models/fields.py, and add an entry to FIELDS"
    )
    assert set(FIELDS) == set(range(OLDEST_SCHEMA_VERSION, SCHEMA_VERSION + 1))


@pytest.mark.parametrize("version", FIELDS)
def test_messages_of_every_supported_version_can_be_read(version: int) -> None:
    # GIVEN a message with the fields of its version
    written = content(**order())
    old = {name: value for name, value in written.items() if name in FIELDS[version]} | {"schema_version": version}
    # WHEN it is read
    message = read_message(json.dumps(old), order_id=None, schema_version=str(version))
    # THEN the result has all these fields
    assert message.model_dump(mode="json", include=set(old)) == old
