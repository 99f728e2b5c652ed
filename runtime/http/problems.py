"""The problem documents of the API (RFC 9457): every error that our code answers with is one of these."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

MEDIA_TYPE: Final = "application/problem+json"
_TYPE_PREFIX: Final = "urn:problem-type:orders:"


class ProblemType(NamedTuple):
    """A kind of problem. `type` is what clients' code may rely on; `title` is for people."""

    name: str
    status: int
    title: str
    when: str
    """Text for the documentation: when the API gives this answer, and what the client can do."""
    retry_after: int | None = None
    """Seconds (`Retry-After`) after which the same request with the same key can succeed."""
    outcome_known: bool = True
    """True: this request certainly placed no order. False: it may have placed one."""

    @property
    def type(self) -> str:
        """The stable URI."""
        return _TYPE_PREFIX + self.name


KEY_MISSING: Final = ProblemType(
    "idempotency-key-missing",
    400,
    "The Idempotency-Key header is missing",
    "Without a key a retry would look like a new order. Send a new random key, such as a UUID, per order.",
)
KEY_MALFORMED: Final = ProblemType(
    "idempotency-key-malformed",
    400,
    "The Idempotency-Key header is malformed",
    "A key is 1-255 visible ASCII characters, bare or as a quoted structured-field string. Send one header, one key.",
)
MALFORMED_JSON: Final = ProblemType(
    "malformed-json",
    400,
    "The body is not well-formed JSON",
    "The body is empty, is not UTF-8, begins with a byte order mark, is not JSON (`NaN` and `Infinity` are not JSON), "
    "or has an object with two members of the same name.",
)
CALLER_UNIDENTIFIED: Final = ProblemType(
    "caller-unidentified",
    403,
    "The token does not name its caller",
    "The token was accepted, but its issuer or subject is missing, longer than 2,048 characters or not printable.",
)
EDGE_BYPASSED: Final = ProblemType(
    "edge-bypassed",
    403,
    "The request did not come through the API's public address",
    "The API is behind a firewall and answers only requests that pass through it. Use the public address.",
)
NOT_FOUND: Final = ProblemType(
    "order-not-found",
    404,
    "There is no such order",
    "No order has this id, or the order belongs to somebody else. The answer is the same in both cases.",
)
IN_PROGRESS: Final = ProblemType(
    "request-in-progress",
    409,
    "The first request with this key is still being processed",
    "Wait as long as `Retry-After` says, then repeat the request with the same key and body.",
    retry_after=1,
    outcome_known=False,
)
TOO_LARGE: Final = ProblemType(
    "content-too-large",
    413,
    "The body is too large",
    "The body may have at most 65,536 bytes (if it is sent as base64: after decoding) and at most 750 of the "
    "characters `{`, `[`, `:` and `,`. The longest order needs less.",
)
MEDIA_TYPE_UNSUPPORTED: Final = ProblemType(
    "unsupported-media-type",
    415,
    "The body's media type is not supported",
    "The body must be `Content-Type: application/json`, which is UTF-8, without a `Content-Encoding`.",
)
VALIDATION_FAILED: Final = ProblemType(
    "validation-failed",
    422,
    "The order is not valid",
    "`errors` lists what is wrong and where. Correct the order; the key can be used again.",
)
KEY_REUSED: Final = ProblemType(
    "idempotency-key-reused",
    422,
    "The Idempotency-Key was used with another body",
    "The key belongs to an order with another body. A new order needs a new key; a retry needs the same body.",
)
OUTCOME_UNKNOWN: Final = ProblemType(
    "outcome-unknown",
    503,
    "A service that is needed did not answer",
    "The outcome is unknown. Wait as long as `Retry-After` says, then repeat the request with the same key and body: "
    "that never makes a second order. If the answer has an `order_id`, it is the id of this request's order.",
    retry_after=2,
    outcome_known=False,
)

CATALOGUE: Final = (
    KEY_MISSING,
    KEY_MALFORMED,
    MALFORMED_JSON,
    CALLER_UNIDENTIFIED,
    EDGE_BYPASSED,
    NOT_FOUND,
    IN_PROGRESS,
    TOO_LARGE,
    MEDIA_TYPE_UNSUPPORTED,
    VALIDATION_FAILED,
    KEY_REUSED,
    OUTCOME_UNKNOWN,
)


class FieldError(NamedTuple):
    """A problem with one place of the body. `pointer` is a JSON pointer (RFC 6901), `""` is the whole body."""

    pointer: str
    detail: str


@dataclass(eq=False)
class ProblemError(Exception):
    """An error of a request, raised anywhere in the API's code and answered as a problem document.

    `detail` never repeats what the client sent.
    """

    kind: ProblemType
    detail: str
    errors: Sequence[FieldError] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    order_id: str | None = None

    def body(self) -> str:
        """The problem document."""
        document: dict[str, Any] = {
            "type": self.kind.type,
            "title": self.kind.title,
            "status": self.kind.status,
            "detail": self.detail,
            "outcome_known": self.kind.outcome_known,
            "retryable": self.kind.retry_after is not None,
        }
        if self.errors:
            document["errors"] = [error._asdict() for error in self.errors]
        if self.order_id is not None:
            document["order_id"] = self.order_id
        return json.dumps(document, separators=(",", ":"))
