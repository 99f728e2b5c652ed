"""Reads the body of a queue message. If that fails, the error's class says if a retry can help."""

import json
from typing import Any, Final

from pydantic import ValidationError

from runtime.logic.failures import NewerSchemaError, PermanentError, validation_text
from runtime.models.fields import MAX_STRUCTURAL, SCHEMA_VERSION, structural_characters
from runtime.models.order import OrderMessage

MALFORMED_BODY: Final = "MALFORMED_BODY"
INVALID_MESSAGE: Final = "INVALID_MESSAGE"
ORDER_ID_MISMATCH: Final = "ORDER_ID_MISMATCH"
MAX_CHARACTERS: Final = 16 * 1024
"""The longest body that is read: more than twice as long as any order of the API. SQS accepts up to 1 MiB."""


def read_message(body: str, *, order_id: str | None, schema_version: str | None) -> OrderMessage:
    """Return the order in `body`. `order_id` and `schema_version` are the texts of the message attributes.

    Raises:
        NewerSchemaError: a newer version wrote the message. The attribute is checked before the body is parsed, because
            a newer version may write anything, even a body that is not JSON.
        PermanentError: the body is too long, has too many structural characters, is not JSON, is not an order of a
            known version, or names another order than the attribute.
    """
    _refuse_newer(_as_version(schema_version))
    content = _parse(body)
    _refuse_newer(content.get("schema_version"))
    try:
        message = OrderMessage.model_validate(content)
    except ValidationError as error:
        text = f"The body is not a valid order message: {validation_text(error)}"
        raise PermanentError(INVALID_MESSAGE, text) from None
    if order_id is not None and order_id != message.order_id:
        raise PermanentError(
            ORDER_ID_MISMATCH, "The message attribute order_id and the order_id of the body differ; they must be equal."
        )
    return message


def _as_version(text: str | None) -> object:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 10 else None


def _refuse_newer(version: object) -> None:
    # In Python `True` is an int; in JSON `true` is no number.
    if isinstance(version, int) and not isinstance(version, bool) and version > SCHEMA_VERSION:
        raise NewerSchemaError(
            f"The message has schema_version {version}; this worker reads versions up to {SCHEMA_VERSION}. "
            "The message is retried, because a newer worker can read it."
        )


def _parse(body: str) -> dict[str, Any]:
    if len(body) > MAX_CHARACTERS:
        text = f"The body has {len(body)} characters, at most {MAX_CHARACTERS} are read."
        raise PermanentError(INVALID_MESSAGE, text)
    if structural_characters(body) > MAX_STRUCTURAL:
        text = f"The body is not read: it has more than {MAX_STRUCTURAL} of the characters `{{`, `[`, `:` and `,`."
        raise PermanentError(INVALID_MESSAGE, text)
    try:
        content = json.loads(body)
    except ValueError:
        # The parser's text may quote the payload, so it is not used.
        raise PermanentError(MALFORMED_BODY, "The body is not JSON.") from None
    if not isinstance(content, dict):
        raise PermanentError(MALFORMED_BODY, "The body is JSON, but not a JSON object.")
    return content
