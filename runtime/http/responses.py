"""Responses in the form that an HTTP API expects from a function (payload format 2.0)."""

import json
from collections.abc import Mapping
from typing import Any, Final

from runtime.http.problems import MEDIA_TYPE, ProblemError

CORRELATION_HEADER: Final = "X-Correlation-Id"
REPLAY_HEADER: Final = "Idempotent-Replayed"


class Response(dict[str, Any]):
    """A response: `statusCode`, `headers`, `body`; a plain dict for Lambda."""


def json_response(status: int, body: str, headers: Mapping[str, str] | None = None) -> Response:
    """Answer with `body`, JSON text that is sent as it is."""
    return _response(status, "application/json", body, headers or {})


def problem_response(problem: ProblemError) -> Response:
    """Answer with a problem document. Add `Retry-After` if the same request may succeed later."""
    retry = {} if problem.kind.retry_after is None else {"Retry-After": str(problem.kind.retry_after)}
    return _response(problem.kind.status, MEDIA_TYPE, problem.body(), {**retry, **problem.headers})


def _response(status: int, media_type: str, body: str, headers: Mapping[str, str]) -> Response:
    return Response(
        statusCode=status,
        headers={"Content-Type": media_type, "Cache-Control": "no-store", **headers},
        body=body,
        isBase64Encoded=False,
    )


def document_of(body: str) -> dict[str, Any]:
    """Read back a body that this code wrote."""
    document: dict[str, Any] = json.loads(body)
    return document
