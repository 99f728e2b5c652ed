"""An independent implementation of the contract of requests and messages, to judge the real implementation.

From `runtime` it uses only the version numbers of messages. Where the contract permits two answers, either is right.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import unicodedata
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from runtime.models.fields import OLDEST_SCHEMA_VERSION, SCHEMA_VERSION

ACCEPTED, FOUND = "accepted", "found"
UNKNOWN = "outcome-unknown"
SETTLED, DEAD, REPORTED = "settled", "dead-lettered", "reported"
MAX_BYTES: Final = 65_536
MAX_CHARACTERS: Final = 16_384
MAX_STRUCTURAL: Final = 750

_ORDER: Final = {"currency": r"[A-Z]{3}"}
_LINE: Final = {"sku": r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", "unit_price": r"(0|[1-9][0-9]{0,8})(\.[0-9]{1,4})?"}
_MESSAGE: Final = {
    "order_id": r"[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}",
    "caller": r"[0-9a-f]{64}",
    "accepted_at": r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z",
    "correlation_id": r"[A-Za-z0-9._:/=+-]{1,128}",
    "total": r"(0|[1-9][0-9]*)(\.[0-9]{1,4})?",
}


class RefusedError(Exception):
    """The contract refuses the request with one of these problems."""

    def __init__(self, *problems: str) -> None:
        super().__init__(*problems)
        self.problems = frozenset(problems)


# --- requests ---------------------------------------------------------------------------------------------------------


def headers_of(event: Any) -> dict[str, str]:
    """Return the headers by lower-case name, without white space around their values."""
    headers: dict[str, str] = {}
    for name, value in _mapping(_mapping(event).get("headers")).items():
        if isinstance(value, str):
            headers[name.lower()] = f"{headers[name.lower()]},{value}" if name.lower() in headers else value
    return {name: value.strip(" \t") for name, value in headers.items()}


def caller_of(event: Any, *, jwt: bool, secrets: tuple[str, ...]) -> tuple[str, str] | None:
    """Return the caller; `None` if the event has no authorizer and `jwt` is false. Raises `RefusedError`."""
    if secrets and headers_of(event).get("x-origin-verify", "") not in secrets:
        raise RefusedError("edge-bypassed")
    authorizer = _mapping(_mapping(event).get("requestContext")).get("authorizer")
    if not authorizer:
        if jwt:
            raise RefusedError(UNKNOWN)
        return None
    claims = _mapping(_mapping(_mapping(authorizer).get("jwt")).get("claims"))
    issuer, subject = claims.get("iss"), claims.get("sub")
    for claim in (issuer, subject):
        if not isinstance(claim, str) or not 0 < len(claim) <= 2048 or not claim.isprintable():
            raise RefusedError("caller-unidentified")
    return str(issuer), str(subject)


def key_of(event: Any) -> str:
    """Return the idempotency key. Raises `RefusedError`."""
    header = headers_of(event).get("idempotency-key")
    if header is None:
        raise RefusedError("idempotency-key-missing")
    key = header
    if header.startswith('"'):
        inner = header[1:-1]
        escapes_left = re.sub(r'\\[\\"]', "", inner)
        if len(header) < 2 or not header.endswith('"') or "\\" in escapes_left or '"' in escapes_left:
            raise RefusedError("idempotency-key-malformed")
        key = re.sub(r'\\([\\"])', r"\1", inner)
    elif "," in header:
        raise RefusedError("idempotency-key-malformed")
    if not 1 <= len(key) <= 255 or any(not "!" <= character <= "~" for character in key):
        raise RefusedError("idempotency-key-malformed")
    return key


def order_of(event: Any) -> Any:
    """Return the order in the body. Raises `RefusedError`."""
    headers = headers_of(event)
    essence = headers.get("content-type", "").partition(";")[0]
    if essence.strip().lower() != "application/json":
        raise RefusedError("unsupported-media-type")
    if headers.get("content-encoding", "").lower() not in {"", "identity"}:
        raise RefusedError("unsupported-media-type")
    document = _document_of(event)
    if not is_order(document):
        raise RefusedError("validation-failed")
    return document


def _document_of(event: Any) -> Any:
    body = _mapping(event).get("body")
    body = body if isinstance(body, str) else ""
    if _mapping(event).get("isBase64Encoded") is True:
        if len(body) > (MAX_BYTES + 2) // 3 * 4:
            raise RefusedError("content-too-large")
        try:
            data = base64.b64decode(body.encode("ascii"), validate=True)
        except (binascii.Error, UnicodeEncodeError):
            raise RefusedError("malformed-json") from None
    else:
        data = body.encode(errors="surrogatepass")
    if len(data) > MAX_BYTES:
        raise RefusedError("content-too-large", *(["malformed-json"] if _has_surrogates(body) else []))
    if len(re.findall(rb"[{\[:,]", data)) > MAX_STRUCTURAL:
        raise RefusedError("content-too-large" if _is_utf8(data) else "malformed-json")
    return strict_json(data)


def _is_utf8(data: bytes) -> bool:
    try:
        return bool(data.decode()) or True
    except UnicodeDecodeError:
        return False


def _has_surrogates(text: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in text)


def strict_json(data: bytes) -> Any:
    """Parse JSON (RFC 8259, UTF-8). No object may have a member twice. Raises `RefusedError`."""

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len({name for name, _ in pairs}) < len(pairs):
            raise RefusedError("malformed-json")
        return dict(pairs)

    def constant(_: str) -> None:
        raise RefusedError("malformed-json")

    try:
        # A number is kept as its text, because Python parses no integer of more than 4,300 digits.
        text = data.decode("utf-8")
        return json.loads(text, object_pairs_hook=unique, parse_constant=constant, parse_int=Number, parse_float=Number)
    except RecursionError:
        raise RefusedError("malformed-json", "validation-failed") from None
    except ValueError:
        raise RefusedError("malformed-json") from None


class Number(str):
    """The text of a JSON number."""

    __slots__ = ()


def is_order(document: Any, more: Mapping[str, str] | None = None, known: frozenset[str] = frozenset()) -> bool:
    """Return whether the document is an order.

    An order in a message must also have the string members in `more`, and may have the members in
    `known`.
    """
    if not isinstance(document, dict):
        return False
    texts = {**_ORDER, **(more or {})}
    if document.keys() - texts.keys() - {"lines", "reference"} - known or not _has_texts(document, texts):
        return False
    lines, reference = document.get("lines"), document.get("reference")
    if not isinstance(lines, list) or not 1 <= len(lines) <= 50 or not all(map(_is_line, lines)):
        return False
    return len({line["sku"] for line in lines}) == len(lines) and (reference is None or _is_reference(reference))


def _is_line(line: Any) -> bool:
    if not isinstance(line, dict) or line.keys() != {"sku", "quantity", "unit_price"} or not _has_texts(line, _LINE):
        return False
    quantity = line["quantity"]
    return isinstance(quantity, Number) and bool(re.fullmatch(r"[1-9][0-9]{0,2}|1000", quantity))


def _is_reference(reference: Any) -> bool:
    if not _is_text(reference) or not 1 <= len(reference) <= 64:
        return False
    return all(unicodedata.category(character)[0] != "C" for character in reference)


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and not isinstance(value, Number)


def _has_texts(members: Mapping[str, Any], texts: Mapping[str, str]) -> bool:
    return all(_is_text(members.get(name)) and re.fullmatch(form, members[name]) for name, form in texts.items())


# --- messages ---------------------------------------------------------------------------------------------------------


def order_id_of(record: Mapping[str, Any]) -> str | None:
    """Return the order id in a record's body, if the body is a message of a known version."""
    try:
        document = strict_json(str(record.get("body")).encode())
    except (RefusedError, UnicodeEncodeError):
        return None
    return document["order_id"] if _is_message(document) else None


def ends_of(record: Mapping[str, Any]) -> frozenset[str]:
    """Return the outcomes that the contract allows for a record from SQS while no call to AWS fails."""
    version = _attribute(record, "schema_version") or ""
    if re.fullmatch(r"[0-9]{1,9}", version) and int(version) > SCHEMA_VERSION:
        return frozenset({REPORTED})
    if len(record["body"]) > MAX_CHARACTERS or len(re.findall(r"[{\[:,]", record["body"])) > MAX_STRUCTURAL:
        return frozenset({DEAD})
    try:
        document = json.loads(record["body"], parse_int=Number, parse_float=Number)
    except RecursionError:
        return frozenset({DEAD})
    except ValueError:
        return frozenset({DEAD})
    named, newer = _attribute(record, "order_id"), _is_newer(document)
    if newer:
        # Python cannot parse a version with thousands of digits, so the worker may also dead-letter such a message.
        return frozenset({REPORTED, DEAD} if len(document["schema_version"]) > 4000 else {REPORTED})
    if not _is_message(document) or named not in (None, document["order_id"]):
        return frozenset({DEAD})
    return frozenset({SETTLED})


def _is_newer(document: Any) -> bool:
    version = document.get("schema_version") if isinstance(document, dict) else None
    if not isinstance(version, Number) or not re.fullmatch(r"[1-9][0-9]*", version):
        return False
    return len(version) > 9 or int(version) > SCHEMA_VERSION


def _is_message(document: Any) -> bool:
    known = frozenset({"schema_version", "traceparent"})
    if not is_order(document, _MESSAGE, known):
        return False
    try:
        datetime.fromisoformat(document["accepted_at"])
    except ValueError:
        return False
    version, trace = document.get("schema_version", Number("1")), document.get("traceparent")
    return (
        isinstance(version, Number)
        and version in map(str, range(OLDEST_SCHEMA_VERSION, SCHEMA_VERSION + 1))
        and (trace is None or (_is_text(trace) and not _has_surrogates(trace)))
    )


def _attribute(record: Mapping[str, Any], name: str) -> str | None:
    value = _mapping(_mapping(record.get("messageAttributes")).get(name)).get("stringValue")
    return value if isinstance(value, str) else None


def canonical(document: Any) -> str:
    """Return the document as text with sorted names, so that equal documents give equal texts."""
    return json.dumps(document, sort_keys=True)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
