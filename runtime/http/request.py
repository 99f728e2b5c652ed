"""Reads the event of an HTTP API (payload format 2.0) as a request, even if the event is malformed."""

import re
from dataclasses import dataclass
from typing import Any, Final
from uuid import uuid4

from runtime.http.problems import CALLER_UNIDENTIFIED, ProblemError
from runtime.logic.failures import AuthorizerMissingError
from runtime.logic.keys import ANONYMOUS, Identity

_CORRELATION_ID: Final = re.compile(r"[A-Za-z0-9._:/=+-]{1,128}")
_CLAIM_LIMIT: Final = 2048


@dataclass(frozen=True)
class Request:
    """A request. All fields have the right type, but only the value of `correlation_id` has been checked."""

    headers: dict[str, str]
    """By lower-case name; values of one name are joined by commas (RFC 9110, 5.3)."""
    path_parameters: dict[str, str]
    body: str
    body_is_base64: bool
    correlation_id: str
    context: dict[str, Any]

    def header(self, name: str) -> str | None:
        """The value of the header with this lower-case name, without white space around it."""
        value = self.headers.get(name)
        return None if value is None else value.strip(" \t")


def parse_event(event: object) -> Request:
    """Read `event`. Never fails: a field of a wrong type counts as missing."""
    fields = _mapping(event)
    headers = _headers(_mapping(fields.get("headers")))
    context = _mapping(fields.get("requestContext"))
    body = fields.get("body")
    return Request(
        headers=headers,
        path_parameters=_texts(_mapping(fields.get("pathParameters"))),
        body=body if isinstance(body, str) else "",
        body_is_base64=fields.get("isBase64Encoded") is True,
        correlation_id=_correlation_id(headers.get("x-correlation-id"), context.get("requestId")),
        context=context,
    )


def identity_of(request: Request, *, jwt_authorizer: bool) -> Identity:
    """Return the caller from the claims that the JWT authorizer verified; without an authorizer, `ANONYMOUS`.

    Claims count even if `jwt_authorizer` is false. When a deploy removes the authorizer, the functions change before
    the routes. Between the two changes, the authorizer still verifies tokens.

    Args:
        request: The request.
        jwt_authorizer: Whether the stack's configuration has an authorizer.

    Raises:
        ProblemError: (403) the authorizer accepted the token, but its issuer or subject is missing, too long or not
            printable. If all such callers were treated as one, they would see each other's orders.
        AuthorizerMissingError: the stack has an authorizer, but the request bypassed it.
    """
    authorizer = request.context.get("authorizer")
    if not authorizer:
        if jwt_authorizer:
            raise AuthorizerMissingError(
                "Given a request without `requestContext.authorizer`; expected: the claims of a verified token, "
                "because JWT_AUTHORIZER is set. Attach the stack's authorizer to the request's route, or delete that "
                "route; `pulumi up --refresh` repairs a route of the stack. To open the API to everybody, set "
                "authorizer to none."
            )
        return ANONYMOUS
    claims = _mapping(_mapping(_mapping(authorizer).get("jwt")).get("claims"))
    issuer, subject = claims.get("iss"), claims.get("sub")
    if not (_is_claim(issuer) and _is_claim(subject)):
        raise ProblemError(
            CALLER_UNIDENTIFIED,
            f"The token needs the claims `iss` and `sub`, each of 1-{_CLAIM_LIMIT} printable characters.",
        )
    return Identity(issuer=str(issuer), subject=str(subject))


def _is_claim(value: object) -> bool:
    # `isprintable` also refuses lone surrogates. They cannot be encoded as UTF-8, and hashing them would fail.
    return isinstance(value, str) and 0 < len(value) <= _CLAIM_LIMIT and value.isprintable()


def _mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _texts(values: dict[str, Any]) -> dict[str, str]:
    return {str(name): value for name, value in values.items() if isinstance(value, str)}


def _headers(values: dict[str, Any]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for name, value in _texts(values).items():
        lower = name.lower()
        headers[lower] = f"{headers[lower]},{value}" if lower in headers else value
    return headers


def _correlation_id(*candidates: object) -> str:
    for candidate in candidates:
        if isinstance(candidate, str) and _CORRELATION_ID.fullmatch(candidate):
            return candidate
    return str(uuid4())
