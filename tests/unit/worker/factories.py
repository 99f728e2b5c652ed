"""Messages, records, events and contexts for tests of the worker."""

import itertools
import json
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID

from aws_lambda_powertools.utilities.typing import LambdaContext

from runtime.logic.delivery import Delivery
from runtime.models.fields import SCHEMA_VERSION
from runtime.models.order import OrderMessage, StoredOrder

ACCEPTED_AT = "2026-01-31T12:00:00.000Z"
SETTLED_AT = "2026-01-31T12:00:01.500Z"
NEWER = SCHEMA_VERSION + 1
_numbers = itertools.count(1)


def order_id(number: int) -> str:
    """Return a valid order id, a different one for each `number`."""
    return str(UUID(int=(number << 80) | (0x5 << 76) | (0b10 << 62)))


def content(number: int = 1, **overrides: Any) -> dict[str, Any]:
    """Return the body of a message. A field whose override is `...` (`Ellipsis`) is left out."""
    fields = {
        "schema_version": SCHEMA_VERSION,
        "order_id": order_id(number),
        "caller": "c" * 64,
        "accepted_at": ACCEPTED_AT,
        "correlation_id": f"correlation-{number}",
        "currency": "EUR",
        "lines": [{"sku": "SKU-1", "quantity": 2, "unit_price": "19.90"}],
        "total": "39.80",
        **overrides,
    }
    return {name: value for name, value in fields.items() if value is not ...}


def message(number: int = 1, **overrides: Any) -> OrderMessage:
    """Return a valid message."""
    return OrderMessage.model_validate(content(number, **overrides))


def lines(*skus: str, quantity: int = 1) -> list[dict[str, Any]]:
    """Return one line per SKU."""
    return [{"sku": sku, "quantity": quantity, "unit_price": "1.00"} for sku in skus]


def stored(number: int = 1, **overrides: Any) -> StoredOrder:
    """Return a confirmed order as it is stored."""
    return StoredOrder.model_validate({**content(number), "status": "CONFIRMED", "settled_at": SETTLED_AT, **overrides})


def record(body: Any = None, *, receives: int = 1, attributes: Any = None, **overrides: Any) -> dict[str, Any]:
    """Return a record as Lambda passes it. `body` is text, or content that becomes JSON and attributes."""
    body = content() if body is None else body
    number = next(_numbers)
    if attributes is None:
        attributes = {"order_id": body["order_id"], "schema_version": SCHEMA_VERSION} if isinstance(body, dict) else {}
    fields = {
        "messageId": f"message-{number}",
        "receiptHandle": f"receipt-{number}",
        "body": json.dumps(body) if isinstance(body, dict) else body,
        "attributes": {"ApproximateReceiveCount": str(receives)},
        "messageAttributes": {name: attribute(value) for name, value in attributes.items()},
        "eventSource": "aws:sqs",
        **overrides,
    }
    return {name: value for name, value in fields.items() if value is not ...}


def attribute(value: str | int) -> dict[str, Any]:
    """Return a message attribute in Lambda's format."""
    data_type = "Number" if isinstance(value, int) else "String"
    return {"stringValue": str(value), "stringListValues": [], "binaryListValues": [], "dataType": data_type}


def delivery(body: Any = None, **overrides: Any) -> Delivery:
    """Return a delivery, from the same arguments as `record`."""
    return Delivery.from_record(record(body, **overrides))


def read_message(sent: Delivery) -> OrderMessage:
    """Return the order in a delivery, or raise the reason why it cannot be read."""
    if isinstance(sent.content, Exception):
        raise sent.content
    return sent.content


def event(*records: Any) -> dict[str, Any]:
    """Return an SQS event."""
    return {"Records": list(records)}


def context(remaining: float = 60.0) -> LambdaContext:
    """Return the context of an invocation in which `remaining` seconds are always left."""
    return cast(
        "LambdaContext",
        SimpleNamespace(
            function_name="worker",
            memory_limit_in_mb=256,
            invoked_function_arn="arn:aws:lambda:eu-west-1:123456789012:function:worker",
            aws_request_id="request-1",
            get_remaining_time_in_millis=lambda: int(remaining * 1000),
        ),
    )
