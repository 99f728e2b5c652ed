"""Reads the queue message: what it is, or of which kind its failure is."""

import json
from typing import Any, Final, NoReturn

from pydantic import TypeAdapter, ValidationError

from runtime.logic.delivery import Delivery
from runtime.logic.failures import NewerSchemaError, PermanentError, validation_text
from runtime.models.fields import SCHEMA_VERSION, CorrelationId, OrderId
from runtime.models.order import OrderMessage

MALFORMED_BODY: Final = "MALFORMED_BODY"
INVALID_MESSAGE: Final = "INVALID_MESSAGE"
ORDER_ID_MISMATCH: Final = "ORDER_ID_MISMATCH"

_ORDER_ID: Final[TypeAdapter[str]] = TypeAdapter(OrderId)
_CORRELATION_ID: Final[TypeAdapter[str]] = TypeAdapter(CorrelationId)


def read_message(delivery: Delivery) -> OrderMessage:
    """The order in a message.

    Raises:
        NewerSchemaError: it was written by a newer version. Judged first, by attribute and by body: a newer version may
            write anything, also a body that is no JSON to us.
        PermanentError: it is not JSON, not an order of a version that we know, or names two different orders.
    """
    _refuse_newer(_version_attribute(delivery))
    content = _parse(delivery)
    _refuse_newer(content.get("schema_version"))
    try:
        message = OrderMessage.model_validate(content)
    except ValidationError as error:
        _fail(INVALID_MESSAGE, f"The body is not a valid order message: {validation_text(error)}", delivery)
    if (named := delivery.attribute("order_id")) is not None and named != message.order_id:
        # Either of the two may be an order that is well: neither is marked.
        raise PermanentError(
            ORDER_ID_MISMATCH,
            "The message attribute order_id and the order_id of the body differ; they must be equal.",
            trusted_order_id=None,
        )
    return message


def named_order(delivery: Delivery) -> str | None:
    """The order that the message attributes name, if it is an order id."""
    return _attribute(delivery, "order_id", _ORDER_ID)


def named_correlation(delivery: Delivery) -> str | None:
    """The correlation id that the message attributes name, so that lines about a body nobody can read have it too."""
    return _attribute(delivery, "correlation_id", _CORRELATION_ID)


def concerned_order(delivery: Delivery) -> tuple[str | None, OrderMessage | None]:
    """The order that a message is about, and its content as far as it can be read."""
    try:
        message = read_message(delivery)
    except PermanentError as failure:
        return failure.trusted_order_id, None
    except NewerSchemaError:
        return named_order(delivery), None
    return message.order_id, message


def _attribute(delivery: Delivery, name: str, form: TypeAdapter[str]) -> str | None:
    try:
        return form.validate_python(delivery.attribute(name))
    except ValidationError:
        return None


def _version_attribute(delivery: Delivery) -> object:
    text = delivery.attribute("schema_version") or ""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


def _refuse_newer(version: object) -> None:
    # `True` is an int to Python, not to JSON.
    if isinstance(version, int) and not isinstance(version, bool) and version > SCHEMA_VERSION:
        raise NewerSchemaError(
            f"The message has schema_version {version}; this worker knows versions up to {SCHEMA_VERSION}. "
            "It is retried until a worker that knows it runs."
        )


def _parse(delivery: Delivery) -> dict[str, Any]:
    try:
        content = json.loads(delivery.body)
    except (ValueError, RecursionError):
        # No text from the parser: what it quotes may be the payload.
        _fail(MALFORMED_BODY, "The body is not JSON.", delivery)
    if not isinstance(content, dict):
        _fail(MALFORMED_BODY, f"The body is a JSON {type(content).__name__}, it must be an object.", delivery)
    return content


def _fail(error_type: str, error: str, delivery: Delivery) -> NoReturn:
    raise PermanentError(error_type, error, trusted_order_id=named_order(delivery)) from None
