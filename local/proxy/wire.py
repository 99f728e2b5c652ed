"""HTTP/1.1 messages as bytes, read from and written to sockets without changing them."""

import socket
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

_CHUNK = 65_536
_HEAD_LIMIT = 65_536


class ProtocolError(Exception):
    """The peer does not speak HTTP/1.1 as it should."""


@dataclass(frozen=True)
class Message:
    """One request or response: its head (start line and headers with the empty line) and its body, as received."""

    head: bytes
    body: bytes
    ends: bool = False  # the body's end is the connection's end

    @cached_property
    def start(self) -> list[str]:
        """The start line's three parts."""
        return self.head.partition(b"\r\n")[0].decode("latin-1").split(" ", 2)

    @cached_property
    def headers(self) -> Mapping[str, str]:
        """Headers by lower-case name."""
        return parse_headers(self.head)

    @property
    def closes(self) -> bool:
        """Whether the connection ends after this message."""
        return self.ends or self.headers.get("connection", "").lower() == "close" or "HTTP/1.0" in self.start


def parse_headers(head: bytes) -> dict[str, str]:
    """Headers of a head by lower-case name."""
    headers = {}
    for line in head.split(b"\r\n")[1:]:
        name, colon, value = line.partition(b":")
        if colon:
            headers[name.decode("latin-1").lower()] = value.strip().decode("latin-1")
    return headers


class Reader:
    """Reads messages from one socket and keeps what came too early for the next one."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._buffer = b""

    def request(self) -> Message | None:
        """The next request; `None` when the peer is done."""
        head = self._head()
        if head is None:
            return None
        headers = parse_headers(head)
        if headers.get("expect", "").lower() == "100-continue":
            self._connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
            head = b"\r\n".join(line for line in head.split(b"\r\n") if not line.lower().startswith(b"expect:"))
        return Message(head, self._body(headers) or b"")

    def response(self, method: str) -> Message:
        """The response to a request with `method`. Raises `ProtocolError` when the connection ends before it."""
        head = self._head()
        while head is not None and head.split(b" ", 2)[1].startswith(b"1"):
            head = self._head()
        if head is None:
            raise ProtocolError("the connection ended before an answer came")
        status = head.split(b" ", 2)[1]
        if method == "HEAD" or status in {b"204", b"304"}:
            return Message(head, b"")
        body = self._body(parse_headers(head))
        return Message(head, self._rest(), ends=True) if body is None else Message(head, body)

    def _head(self) -> bytes | None:
        while (end := self._buffer.find(b"\r\n\r\n")) < 0:
            if len(self._buffer) > _HEAD_LIMIT:
                raise ProtocolError("the head is too long")
            data = self._connection.recv(_CHUNK)
            if not data:
                if self._buffer:
                    raise ProtocolError("the connection ended within a head")
                return None
            self._buffer += data
        head, self._buffer = self._buffer[: end + 4], self._buffer[end + 4 :]
        return head

    def _body(self, headers: Mapping[str, str]) -> bytes | None:
        """The body; `None` when the headers do not say how long it is."""
        if "chunked" in headers.get("transfer-encoding", "").lower():
            return self._chunked()
        if "content-length" in headers:
            return self._exactly(int(headers["content-length"]))
        return None

    def _chunked(self) -> bytes:
        """The body with its chunk sizes, as it came."""
        parts = []
        while True:
            line = self._line()
            parts.append(line)
            size = int(line.split(b";")[0], 16)
            if size == 0:
                break
            parts.append(self._exactly(size + 2))
        while (line := self._line()) != b"\r\n":
            parts.append(line)
        return b"".join([*parts, b"\r\n"])

    def _line(self) -> bytes:
        while (end := self._buffer.find(b"\r\n")) < 0:
            self._receive()
        line, self._buffer = self._buffer[: end + 2], self._buffer[end + 2 :]
        return line

    def _exactly(self, size: int) -> bytes:
        if len(self._buffer) >= size:
            data, self._buffer = self._buffer[:size], self._buffer[size:]
            return data
        parts, missing = [self._buffer], size - len(self._buffer)
        self._buffer = b""
        while missing > 0:
            self._receive()
            part, self._buffer = self._buffer[:missing], self._buffer[missing:]
            parts.append(part)
            missing -= len(part)
        return b"".join(parts)

    def _rest(self) -> bytes:
        parts, self._buffer = [self._buffer], b""
        while data := self._connection.recv(_CHUNK):
            parts.append(data)
        return b"".join(parts)

    def _receive(self) -> None:
        data = self._connection.recv(_CHUNK)
        if not data:
            raise ProtocolError("the connection ended within a body")
        self._buffer += data
