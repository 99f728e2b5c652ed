"""Callers' requests: orders, API Gateway events (payload format 2.0) and Lambda contexts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from lab.simulation.fakes import Clock

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

ISSUER = "https://issuer.example"


def order_body(*lines: tuple[str, int], currency: str = "EUR", reference: str | None = None) -> str:
    """Return an order as JSON. Each line is a SKU and a quantity; the default is one line: two units of ``SKU-1``."""
    chosen = lines or (("SKU-1", 2),)
    document: dict[str, Any] = {
        "currency": currency,
        "lines": [{"sku": sku, "quantity": quantity, "unit_price": "19.90"} for sku, quantity in chosen],
    }
    if reference is not None:
        document["reference"] = reference
    return json.dumps(document)


def api_event(
    caller: str | None,
    *,
    method: str,
    headers: Mapping[str, str] | None = None,
    body: str | None = None,
    order_id: str | None = None,
) -> dict[str, Any]:
    """Return an event of the HTTP API. ``caller`` is the token's subject; ``None`` means an API without an
    authorizer."""
    context: dict[str, Any] = {"requestId": "request", "http": {"method": method}}
    if caller is not None:
        context["authorizer"] = {"jwt": {"claims": {"iss": ISSUER, "sub": caller}, "scopes": None}}
    event: dict[str, Any] = {
        "version": "2.0",
        "headers": {"content-type": "application/json", **(headers or {})},
        "requestContext": context,
        "isBase64Encoded": False,
    }
    if body is not None:
        event["body"] = body
    if order_id is not None:
        event["pathParameters"] = {"order_id": order_id}
    return event


@dataclass(slots=True)
class Context:
    """A Lambda context with a deadline on the simulated clock."""

    clock: Clock
    timeout_seconds: float
    started_at: float = field(init=False)

    def __post_init__(self) -> None:
        self.started_at = self.clock.time()

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the deadline; 0 once it has passed."""
        return max(0, int((self.started_at + self.timeout_seconds - self.clock.time()) * 1000))


def lambda_context(clock: Clock, timeout_seconds: float) -> LambdaContext:
    """Return a context, typed as Powertools' `LambdaContext`. It has only the attributes that the handlers read."""
    return cast("LambdaContext", Context(clock, timeout_seconds))
