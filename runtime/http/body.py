"""Checks of a request's body: first its media type, then its size, then its JSON."""

import base64
import json
import re
from typing import Any, Final

from runtime.http.problems import MALFORMED_JSON, MEDIA_TYPE_UNSUPPORTED, TOO_LARGE, ProblemError
from runtime.http.request import Request
from runtime.models.fields import MAX_LINES, MAX_STRUCTURAL, structural_characters

MAX_BYTES: Final = 64 * 1024
# Python refuses to read an integer that has too many digits. The limit is 4,300 digits by default and cannot be set
# below 640, so each refused integer matches this pattern.
_LONG_NUMBER: Final = re.compile(r"([0-9]{400})[0-9]{240,}")
_OF_JSON: Final = {"Accept-Post": "application/json"}


class _NotStrictError(ValueError):
    """JSON that Python's parser accepts but RFC 8259 or RFC 7493 forbids."""


def require_json(request: Request) -> None:
    """Raise `ProblemError` (415) unless the headers declare uncompressed `application/json`."""
    coding = request.header("content-encoding")
    if coding and coding.lower() != "identity":
        raise ProblemError(
            MEDIA_TYPE_UNSUPPORTED, "Send the body without a Content-Encoding.", headers={"Accept-Encoding": "identity"}
        )
    media_type = request.header("content-type")
    if media_type is None:
        raise ProblemError(MEDIA_TYPE_UNSUPPORTED, "Send `Content-Type: application/json`.", headers=_OF_JSON)
    # Parameters are ignored, because JSON is UTF-8 and a `charset` has no effect (RFC 8259, 11).
    if media_type.partition(";")[0].strip().lower() != "application/json":
        raise ProblemError(
            MEDIA_TYPE_UNSUPPORTED, "The Content-Type is not supported. Send `application/json`.", headers=_OF_JSON
        )


def read_bytes(request: Request) -> bytes:
    """Return the decoded bytes. Raises `ProblemError` (413; 400 if the body cannot be decoded)."""
    # The length is checked before decoding. In base64, four characters stand for three bytes.
    limit = (MAX_BYTES + 2) // 3 * 4 if request.body_is_base64 else MAX_BYTES
    if len(request.body) > limit:
        raise _too_large()
    data = _decode_base64(request.body) if request.body_is_base64 else _encode(request.body)
    if len(data) > MAX_BYTES:
        raise _too_large()
    return data


def parse_json(data: bytes) -> Any:
    """Parse strict JSON (RFC 8259 with unique names, as in RFC 7493). Raises `ProblemError` (400, or 413)."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ProblemError(MALFORMED_JSON, f"The body is not UTF-8: byte {error.start} is wrong.") from error
    if structural_characters(text) > MAX_STRUCTURAL:
        raise _too_large(
            f"{MAX_STRUCTURAL} of the characters `{{`, `[`, `:` and `,` (an order has at most {MAX_LINES} lines)"
        )
    if not text.strip(" \t\r\n"):
        raise ProblemError(MALFORMED_JSON, "The body is empty. Send the order as a JSON object.")
    if text.startswith("\ufeff"):
        raise ProblemError(MALFORMED_JSON, "The body begins with a byte order mark. Send UTF-8 without one.")
    try:
        return _load(text)
    except json.JSONDecodeError as error:
        raise ProblemError(
            MALFORMED_JSON, f"The body is not JSON: {error.msg} (line {error.lineno}, column {error.colno})."
        ) from error
    except _NotStrictError as error:
        raise ProblemError(MALFORMED_JSON, str(error)) from error


def _decode_base64(body: str) -> bytes:
    try:
        return base64.b64decode(body, validate=True)
    except ValueError as error:
        raise ProblemError(MALFORMED_JSON, "The body is marked as base64 but is not base64.") from error


def _encode(body: str) -> bytes:
    try:
        return body.encode()
    except UnicodeEncodeError as error:
        raise ProblemError(MALFORMED_JSON, "The body has a character that UTF-8 cannot express.") from error


def _too_large(limit: str = f"{MAX_BYTES} bytes") -> ProblemError:
    return ProblemError(TOO_LARGE, f"The body has more than {limit}. Split the order, or shorten it.")


def _load(text: str) -> Any:
    try:
        return json.loads(text, parse_constant=_refuse_constant, object_pairs_hook=_object)
    except (json.JSONDecodeError, _NotStrictError):
        raise
    except ValueError:
        # An integer has too many digits for Python. It is cut to 400 digits, which Python can parse. They are still
        # too many for every field, so validation refuses the integer and reports its place.
        return _load(_LONG_NUMBER.sub(r"\1", text))


def _refuse_constant(name: str) -> None:
    raise _NotStrictError(f"{name} is not a JSON value.")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise _NotStrictError("An object in the body names a member twice. Send each name once.")
    return members
