"""The `Idempotency-Key` header. `abc` and `"abc"` (a structured-field string, RFC 8941) are the same key."""

import re
from typing import Final, NoReturn

from runtime.http.problems import KEY_MALFORMED, KEY_MISSING, ProblemError

MAX_LENGTH: Final = 255
_VISIBLE: Final = re.compile(r"[!-~]+")
_QUOTED: Final = re.compile(r'"(?P<content>(?:[^"\\]|\\["\\])*)"')
_ESCAPED: Final = re.compile(r"\\(.)")


def parse_key(header: str | None) -> str:
    """Return the key in `header`. `Request.header` has already removed the white space around it.

    A comma is allowed inside quotes only. Without quotes, `a,a` may be two headers `a` that a proxy has joined. If such
    a header were accepted as the key `a,a`, a retry of the order with the key `a` could make a second order.
    Raises `ProblemError` (400).
    """
    if header is None:
        raise ProblemError(KEY_MISSING, "Send the header `Idempotency-Key` with a new random key for each new order.")
    key = _unquote(header) if header.startswith('"') else _bare(header)
    if not key:
        _refuse("The key is empty")
    if len(key) > MAX_LENGTH:
        _refuse(f"The key has {len(key)} characters")
    if not _VISIBLE.fullmatch(key):
        _refuse("The key has a space, a control character or a character that is not ASCII")
    return key


def _unquote(header: str) -> str:
    quoted = _QUOTED.fullmatch(header)
    if not quoted:
        _refuse(
            "The header begins with a quote, so it must be one quoted string. "
            'The only escapes allowed in it are `\\"` and `\\\\`'
        )
    return _ESCAPED.sub(r"\1", quoted["content"])


def _bare(header: str) -> str:
    if "," in header:
        _refuse("The header has a comma outside quotes, so it may be several headers. Send one header or quote the key")
    return header


def _refuse(what: str) -> NoReturn:
    raise ProblemError(KEY_MALFORMED, f"{what}. Allowed are 1-{MAX_LENGTH} visible ASCII characters, such as a UUID.")
