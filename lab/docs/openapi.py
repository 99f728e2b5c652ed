"""Generates the OpenAPI document from the API's models and problem catalogue."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.json_schema import models_json_schema

from lab.docs import page
from lab.docs.examples import KEY, ORDER, record
from runtime.http import problems
from runtime.http.body import MAX_BYTES
from runtime.http.problems import CATALOGUE, ProblemType
from runtime.http.responses import CORRELATION_HEADER, REPLAY_HEADER
from runtime.models.answers import AcceptedOrder, OrderView
from runtime.models.fields import OrderId
from runtime.models.order import OrderRequest
from runtime.settings import IntakeSettings

PATH: Final = Path(__file__).resolve().parents[2] / "docs" / "openapi.json"
_KEY_LIFE_HOURS: Final = IntakeSettings.model_fields["idempotency_ttl_seconds"].default // 3600


class FieldProblem(BaseModel):
    """A problem at one place in the body."""

    pointer: str = Field(description='JSON pointer (RFC 6901), e.g. `/lines/0/quantity`; `""` is the whole body.')
    detail: str


class Problem(BaseModel):
    """A problem document (RFC 9457). Decide by `status` and `type`; `title` and `detail` are for people."""

    model_config = ConfigDict(json_schema_extra={"additionalProperties": True})

    type: str = Field(json_schema_extra={"format": "uri", "enum": [kind.type for kind in CATALOGUE]})
    title: str
    status: int
    detail: str
    outcome_known: bool = Field(description="Whether it is certain that this request placed no order.")
    retryable: bool = Field(description="Whether the same request, with the same key and body, can succeed later.")
    errors: list[FieldProblem] | None = Field(
        default=None, description="Only with `validation-failed`: at most 20 problems."
    )
    order_id: OrderId | None = Field(
        default=None, description="Only with `outcome-unknown`: the order that this key and body lead to."
    )


class PlatformError(BaseModel):
    """An answer of the platform in front of our code. It has no `Retry-After` and no `type`: decide by status."""

    message: str


_Model = tuple[type[BaseModel], Literal["validation", "serialization"]]
_MODELS: Final[list[_Model]] = [
    (OrderRequest, "validation"),
    (AcceptedOrder, "serialization"),
    (OrderView, "serialization"),
    (Problem, "serialization"),
    (PlatformError, "serialization"),
]
_PLATFORM: Final = {
    401: "The token is missing or wrong (where the API has an authorizer). Answered by the platform.",
    403: "The token does not permit this request (where the API has an authorizer). Answered by the platform.",
    413: "The body has more than 10 MB. Answered by the platform.",
    429: "Too many requests. Answered by the platform: wait (1 s, 2 s, 4 s …, with jitter) and repeat the request.",
    500: "The platform or the function failed. The outcome is unknown: repeat the request unchanged.",
    503: "The platform could not reach the function in time: repeat the request unchanged.",
}
_POST_PROBLEMS: Final = [kind for kind in CATALOGUE if kind is not problems.NOT_FOUND]
_GET_PROBLEMS: Final = [
    problems.CALLER_UNIDENTIFIED,
    problems.EDGE_BYPASSED,
    problems.NOT_FOUND,
    problems.OUTCOME_UNKNOWN,
]
_RECORDED: Final = record()


def build() -> dict[str, Any]:
    """Return the whole document."""
    _, schemas = models_json_schema(_MODELS, ref_template="#/components/schemas/{model}")
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Orders",
            "version": "1.0.0",
            "summary": "Accepts orders at once. Each order takes effect exactly once.",
            "license": {"name": "MIT", "identifier": "MIT"},
            "description": (
                "Send a new `Idempotency-Key` with each new order, and repeat the request with the same key and body "
                "after 409, 429, any 5xx, and when no answer comes.\n\n"
                f"**A key's life is {_KEY_LIFE_HOURS} hours.** During this time a retry gets the first answer, byte "
                "for byte; the key with another body is refused. Afterwards, the same key with the same body still "
                "leads to the original order; the key with another body makes a new order.\n\n"
                "The API's own errors are problem documents (RFC 9457). Refusals by the platform in front of the API "
                'are `{"message": …}` without `Retry-After`. So decide by status.'
            ),
        },
        "servers": [{"url": "{api_url}", "variables": {"api_url": _API_URL}}],
        "security": [{}, {"jwt": []}],
        "paths": {"/orders": {"post": _post()}, "/orders/{order_id}": {"get": _get()}},
        "components": {
            "schemas": {name: _without_nulls(name, schema) for name, schema in schemas["$defs"].items()},
            "securitySchemes": {
                "jwt": {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "JWT",
                    "description": "Required where the API has an authorizer. Callers see their own orders only. "
                    "Without an authorizer, all callers are the same anonymous caller.",
                }
            },
        },
    }


def _without_nulls(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    # An answer leaves out members without a value; they are never null.
    if name == OrderRequest.__name__:
        return schema
    if "properties" not in schema:
        return _open(schema)
    return {**schema, "properties": {field: _not_null(value) for field, value in schema["properties"].items()}}


def _open(field: dict[str, Any]) -> dict[str, Any]:
    """Replace `enum` by `x-extensible-enum`: a later version may add values, so clients must accept unknown ones."""
    if "enum" not in field:
        return field
    more = "`x-extensible-enum` lists the present values; others may be added."
    open_field = {"description": f"{field.get('description', '')} {more}".strip(), "x-extensible-enum": field["enum"]}
    return {name: value for name, value in field.items() if name != "enum"} | open_field


def _not_null(field: dict[str, Any]) -> dict[str, Any]:
    if {"type": "null"} not in field.get("anyOf", ()):
        return _open(field)
    (allowed,) = (option for option in field["anyOf"] if option != {"type": "null"})
    return {**allowed, **{name: value for name, value in field.items() if name not in ("anyOf", "default")}}


def _post() -> dict[str, Any]:
    replayed = {
        "description": "`true` on a replay of the first answer; absent on the first answer itself.",
        "schema": {"type": "string", "const": "true"},
    }
    location = {
        "description": "URL of the order, relative to the URL of this request.",
        "schema": {"type": "string", "format": "uri-reference"},
        "required": True,
    }
    return {
        "operationId": "createOrder",
        "summary": "Submit an order",
        "description": f"The body has at most {MAX_BYTES:,} bytes of UTF-8 JSON with unique member names.",
        "parameters": [_KEY_PARAMETER, _CORRELATION_PARAMETER, _TRACE_PARAMETER],
        "requestBody": {"required": True, "content": _json("OrderRequest", ORDER)},
        "responses": {
            "202": {
                "description": "The order is accepted. Or it was accepted before, and this is the first answer again.",
                "headers": {"Location": location, REPLAY_HEADER: replayed, **_CORRELATION},
                "content": _json("AcceptedOrder", _RECORDED.accepted),
            },
            **_problem_responses(_POST_PROBLEMS, _RECORDED.refused),
        },
    }


def _get() -> dict[str, Any]:
    return {
        "operationId": "getOrder",
        "summary": "Look up an order",
        "description": "`CONFIRMED`, `REJECTED` and `DISCARDED` are final. `DELAYED` is not: do not order again.",
        "parameters": [
            {"name": "order_id", "in": "path", "required": True, "schema": {"type": "string"}},
            _CORRELATION_PARAMETER,
        ],
        "responses": {
            "200": {
                "description": "The order in its present state. Fields without a value are absent.",
                "headers": {
                    **_CORRELATION,
                    "Retry-After": _seconds("While the status is not final: how long to wait before the next look-up."),
                },
                "content": _json("OrderView", _RECORDED.seen),
            },
            **_problem_responses(_GET_PROBLEMS, _RECORDED.unseen, without=(413,)),
        },
    }


def _problem_responses(
    kinds: list[ProblemType], recorded: dict[str, Any], without: tuple[int, ...] = ()
) -> dict[str, Any]:
    platform = {status: text for status, text in _PLATFORM.items() if status not in without}
    return {
        str(status): _response([kind for kind in kinds if kind.status == status], recorded, platform.get(status))
        for status in sorted({kind.status for kind in kinds} | set(platform))
    }


def _response(kinds: list[ProblemType], recorded: dict[str, Any], platform: str | None) -> dict[str, Any]:
    texts = [f"`{kind.name}`: {kind.title}. {kind.when}" for kind in kinds] + ([platform] if platform else [])
    content: dict[str, Any] = {}
    if kinds:
        examples = {kind.name: {"value": recorded[kind.type]} for kind in kinds}
        content[problems.MEDIA_TYPE] = {"schema": _reference("Problem"), "examples": examples}
    if platform:
        content["application/json"] = {"schema": _reference("PlatformError")}
    # The platform's answers lack our headers. So no header is `required` for a status that the platform and our code
    # can both answer.
    headers = dict(_CORRELATION) if kinds else {}
    if any(kind.retry_after is not None for kind in kinds):
        headers["Retry-After"] = _seconds("How long to wait before the request is repeated.")
    return {
        "description": "\n\n".join(texts),
        **({"headers": headers} if headers else {}),
        "content": content,
    }


def _seconds(what: str) -> dict[str, Any]:
    return {"description": f"{what} In seconds.", "schema": {"type": "integer"}}


def _json(model: str, example: object) -> dict[str, Any]:
    return {"application/json": {"schema": _reference(model), "example": example}}


def _reference(model: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{model}"}


_API_URL: Final = {"default": "https://api.example.com", "description": "The stack's output `api_url`."}
_KEY_PARAMETER: Final = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": True,
    "description": (
        "One new random key, such as a UUID, per order: 1-255 visible ASCII characters. Quotes are optional: "
        '`abc` and `"abc"` are the same key. With quotes, it is a structured-field string, with `\\"` and `\\\\` as '
        "escapes. A comma is allowed inside quotes only, because elsewhere it may come from a proxy that joined two "
        f"headers. Two callers may use the same key independently. A key's life is {_KEY_LIFE_HOURS} hours."
    ),
    "schema": {"type": "string", "minLength": 1},
    "example": KEY,
}
_CORRELATION_PARAMETER: Final = {
    "name": CORRELATION_HEADER,
    "in": "header",
    "required": False,
    "description": "Your id for this request, 1-128 of `A-Z a-z 0-9 . _ : / = + -`. The order's event has the "
    "correlation id of the POST that placed the order. If the header is missing or malformed, we make an id.",
    "schema": {"type": "string"},
}
_TRACE_PARAMETER: Final = {
    "name": "traceparent",
    "in": "header",
    "required": False,
    "description": "W3C trace context; it is also in the order's event.",
    "schema": {"type": "string"},
}
_CORRELATION: Final = {
    CORRELATION_HEADER: {"description": "Id of this request, for questions about it.", "schema": {"type": "string"}}
}


def text() -> str:
    """Return the document as text, as it is committed."""
    return json.dumps(build(), indent=2, ensure_ascii=False) + "\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Write or check the document. Return 1 if a check finds a difference."""
    return page.run("python -m lab.docs.openapi", {PATH: text}, arguments)


if __name__ == "__main__":
    sys.exit(main())
