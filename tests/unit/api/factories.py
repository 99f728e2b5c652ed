"""Makes what tests send to the API (bodies, events and a Lambda context), and reads the responses."""

import base64
import json
from dataclasses import dataclass
from typing import Any, cast

from aws_lambda_powertools.utilities.typing import LambdaContext

from runtime.http.responses import Response

KEY = "8e03978e-40d5-43e8-bc93-6894a57f9324"


def line(**overrides: object) -> dict[str, object]:
    """Return one line of an order."""
    return {"sku": "SKU-1", "quantity": 2, "unit_price": "19.90", **overrides}


def order(**overrides: object) -> dict[str, object]:
    """Return the body of a valid order."""
    return {"currency": "EUR", "lines": [line()], **overrides}


def post(
    body: object = None,
    *,
    raw: str | bytes | None = None,
    key: str | None = KEY,
    content_type: str | None = "application/json",
    headers: dict[str, object] | None = None,
    caller: tuple[str, str] | None = None,
) -> dict[str, object]:
    """Return the event of `POST /orders`.

    `raw` replaces the body: a text is sent unchanged, and bytes are sent as base64.
    """
    sent: dict[str, object] = {"idempotency-key": key, "content-type": content_type, **(headers or {})}
    text = json.dumps(order() if body is None else body) if raw is None else raw
    return {
        "version": "2.0",
        "headers": {name: value for name, value in sent.items() if value is not None},
        "requestContext": request_context(caller),
        "body": base64.b64encode(text).decode() if isinstance(text, bytes) else text,
        "isBase64Encoded": isinstance(text, bytes),
    }


def get(order_id: object, *, caller: tuple[str, str] | None = None) -> dict[str, object]:
    """Return the event of `GET /orders/{order_id}`."""
    return {
        "version": "2.0",
        "headers": {},
        "requestContext": request_context(caller),
        "pathParameters": {"order_id": order_id},
        "isBase64Encoded": False,
    }


def request_context(caller: tuple[str, str] | None = None) -> dict[str, object]:
    """Return the `requestContext`, with the claims of `caller` (issuer, subject) if a caller is given."""
    context: dict[str, object] = {"requestId": "JKJaXmPLvHcESHA="}
    if caller is not None:
        context["authorizer"] = {"jwt": {"claims": {"iss": caller[0], "sub": caller[1]}, "scopes": None}}
    return context


@dataclass
class Context:
    """A Lambda context with `remaining` milliseconds left."""

    remaining: int = 10_000
    function_name: str = "orders-test-create-order"
    memory_limit_in_mb: int = 512
    invoked_function_arn: str = "arn:aws:lambda:eu-west-1:123456789012:function:orders-test-create-order"
    aws_request_id: str = "c6af9ac6-7b61-11e6-9a41-93e8deadbeef"

    def get_remaining_time_in_millis(self) -> int:
        """Return the milliseconds that are left of the invocation."""
        return self.remaining


def context(**overrides: Any) -> LambdaContext:
    """Return the context of an invocation."""
    return cast("LambdaContext", Context(**overrides))


def document(response: Response) -> dict[str, Any]:
    """Return the JSON document in the body of `response`."""
    read: dict[str, Any] = json.loads(response["body"])
    return read


def problem(response: Response) -> str:
    """Return the name of the problem in `response`. Checks the media type, `status`, `title`, `detail` and `type`."""
    body = document(response)
    assert response["headers"]["Content-Type"] == "application/problem+json"
    assert body["status"] == response["statusCode"]
    assert body["title"]
    assert body["detail"]
    prefix, _, name = body["type"].rpartition(":")
    assert prefix == "urn:problem-type:orders"
    return cast("str", name)
