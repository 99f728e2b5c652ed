"""Checks access to the page: without the page's key, a request gets only static files (see SECURITY.md).

A request from a page of another origin is always refused.
"""

import hmac
from collections.abc import Collection, MutableMapping
from typing import Any, Final

from starlette.datastructures import MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from local.control import KEY_HEADER
from local.proxy.gate import foreign_host, foreign_page
from local.proxy.wire import Head

_MOST_BYTES: Final = 262_144
_HEADERS: Final = {
    # Swagger UI draws its icons from data URLs.
    "content-security-policy": "default-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'; object-src 'none'",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "cache-control": "no-store",
}


class PageAccess:
    """Accepts requests with the page's key. Other requests get only the static `files`, which contain no data."""

    def __init__(self, app: ASGIApp, key: str, files: Collection[str]) -> None:
        self._app = app
        self._key = key.encode()
        self._files = files

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it."""

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(_HEADERS)
            await send(message)

        reason = self._refusal(scope)
        app = JSONResponse({"error": reason}, 403) if reason else self._app
        await app(scope, receive, guarded)

    def _refusal(self, scope: MutableMapping[str, Any]) -> str | None:
        query = scope["query_string"].decode("latin-1")
        target = scope["path"] + (f"?{query}" if query else "")
        head, port = Head(scope["method"], target, tuple(scope["headers"])), scope["server"][1]
        if refusal := foreign_host(head, port) or foreign_page(head, port):
            return refusal.message
        length = head.fields.get("content-length", "0")
        if "transfer-encoding" in head.fields or not length.isdecimal() or int(length) > _MOST_BYTES:
            return f"A request must have a Content-Length of at most {_MOST_BYTES} bytes."
        if head.method in {"GET", "HEAD"} and target in self._files:
            return None
        given = head.fields.get(KEY_HEADER, "").encode("latin-1")
        if hmac.compare_digest(given, self._key):
            return None
        how = "Open the address that `python -m local status` shows."
        return f"The page's key is missing or wrong. {how}"
