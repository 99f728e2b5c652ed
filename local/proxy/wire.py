"""Reads and writes HTTP/1.1 messages between clients and the emulator, with h11.

The bytes of a request are never forwarded: the proxy parses the request and writes it anew. So the
proxy and the emulator agree where a request ends. Then no second request can hide in the bytes of
the first one and pass the gate (gate.py) unchecked.
"""

import socket
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import h11

_CHUNK: Final = 262_144
_HEAD_LIMIT: Final = 65_536
# Headers about one connection (RFC 9110, 7.6.1). Upgrades are not forwarded, because no other protocol is supported.
_HOP_BY_HOP: Final = frozenset(
    {
        *(b"connection", b"keep-alive", b"proxy-connection", b"te", b"trailer", b"transfer-encoding"),
        *(b"upgrade", b"http2-settings", b"expect"),
    }
)
_BODILESS: Final = frozenset({204, 304})

Headers = tuple[tuple[bytes, bytes], ...]


class ProtocolError(Exception):
    """The peer violated HTTP/1.1, or closed the connection too early."""


@dataclass(frozen=True)
class Head:
    """A request without its body. `headers` omits the headers about the connection; the others are unchanged."""

    method: str
    target: str
    headers: Headers

    @cached_property
    def fields(self) -> Mapping[str, str]:
        """Return the headers by lower-case name. Repeated headers are joined, as in RFC 9110."""
        joined: dict[str, str] = {}
        for name, value in self.headers:
            key, text = name.decode("ascii").lower(), value.decode("latin-1")
            joined[key] = f"{joined[key]},{text}" if key in joined else text
        return joined

    @property
    def path(self) -> str:
        """Return the target without its query."""
        return self.target.partition("?")[0]

    @property
    def query(self) -> str:
        """Return the query, without the question mark."""
        return self.target.partition("?")[2]


@dataclass(frozen=True)
class Request:
    """A request: its head and its body."""

    head: Head
    body: bytes = b""


@dataclass(frozen=True)
class Response:
    """An answer to a request."""

    status: int
    headers: Headers
    body: bytes = b""
    reason: bytes = b""


class ClientSide:
    """The connection of a client."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=_HEAD_LIMIT)
        self._method = b""

    def head(self) -> Head | None:
        """Return the next request's head; `None` when the client closed the connection. Raises `ProtocolError`."""
        event = _next(self._http, self._socket)
        if not isinstance(event, h11.Request):
            return None
        self._method = event.method
        headers = tuple(event.headers.raw_items())
        return Head(event.method.decode("ascii"), event.target.decode("ascii"), _end_to_end(headers))

    def body(self) -> bytes:
        """Return the request's body. Raises `ProtocolError`."""
        if self._http.they_are_waiting_for_100_continue:
            self._write(h11.InformationalResponse(status_code=100, headers=[], reason=b"Continue"))
        return _body(self._http, self._socket)

    def answer(self, response: Response) -> bool:
        """Send the response. Return whether another request may follow."""
        headers, body = list(response.headers), response.body
        if self._method == b"HEAD" or response.status in _BODILESS:
            body = b""  # the Content-Length is kept: it is the length of the answer to a GET
        else:
            # Without a Content-Length, h11 would send the body in chunks.
            headers = [each for each in headers if each[0].lower() != b"content-length"]
            headers.append((b"Content-Length", str(len(body)).encode()))
        self._write(h11.Response(status_code=response.status, headers=headers, reason=response.reason))
        if body:
            self._write(h11.Data(body))
        self._write(h11.EndOfMessage())
        if self._http.our_state is not h11.DONE or self._http.their_state is not h11.DONE:
            return False
        self._http.start_next_cycle()
        return True

    def refuse(self, reason: str) -> None:
        """Answer a malformed request with 400, unless an answer has already begun."""
        if self._http.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            self.answer(Response(400, ((b"Content-Type", b"text/plain"),), f"{reason}\n".encode(), b"Bad Request"))

    def _write(self, event: h11.Event) -> None:
        self._socket.sendall(_sent(self._http, event))


class ServerSide:
    """A connection to the emulator."""

    def __init__(self, connection: socket.socket) -> None:
        self.socket = connection
        self._http = h11.Connection(h11.CLIENT, max_incomplete_event_size=_HEAD_LIMIT)

    def exchange(self, request: Request) -> Response:
        """Send a request once and return the answer. Raises `ProtocolError` when no valid answer comes."""
        head = request.head
        headers = [(name, value) for name, value in head.headers if name.lower() != b"content-length"]
        if request.body or "content-length" in head.fields:
            headers.append((b"Content-Length", str(len(request.body)).encode()))
        sent = [h11.Request(method=head.method, target=head.target, headers=headers), h11.EndOfMessage()]
        if request.body:
            sent.insert(1, h11.Data(request.body))
        self.socket.sendall(b"".join(_sent(self._http, event) for event in sent))
        event = _next(self._http, self.socket)
        while isinstance(event, h11.InformationalResponse):
            event = _next(self._http, self.socket)
        if not isinstance(event, h11.Response):
            raise ProtocolError("the connection ended before an answer came")
        body = _body(self._http, self.socket)
        return Response(event.status_code, _end_to_end(tuple(event.headers.raw_items())), body, event.reason)

    def is_reusable(self) -> bool:
        """Prepare for another request. Return whether that is possible."""
        if self._http.our_state is not h11.DONE or self._http.their_state is not h11.DONE:
            return False
        self._http.start_next_cycle()
        return True


def _sent(http: h11.Connection, event: h11.Event) -> bytes:
    try:
        return http.send(event) or b""
    except h11.LocalProtocolError as error:
        raise ProtocolError(str(error)) from None


def _next(http: h11.Connection, connection: socket.socket) -> h11.Event | type[h11.PAUSED] | type[h11.NEED_DATA]:
    try:
        while (event := http.next_event()) is h11.NEED_DATA:
            http.receive_data(connection.recv(_CHUNK))
    except h11.RemoteProtocolError as error:
        raise ProtocolError(str(error)) from None
    return event


def _body(http: h11.Connection, connection: socket.socket) -> bytes:
    parts = []
    while isinstance(event := _next(http, connection), h11.Data):
        parts.append(bytes(event.data))
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _end_to_end(headers: Headers) -> Headers:
    named = {
        name.strip().lower() for key, value in headers if key.lower() == b"connection" for name in value.split(b",")
    }
    return tuple((name, value) for name, value in headers if name.lower() not in _HOP_BY_HOP | named)
