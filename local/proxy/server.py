"""The server in front of the emulator: each client connection has a thread and a connection to the emulator."""

import contextlib
import logging
import select
import socket
import struct
import threading
from collections.abc import Callable
from typing import Final

from local.ports import LOOPBACK
from local.proxy.calls import failure, identify, refused
from local.proxy.faults import FaultKind, Faults
from local.proxy.gate import Gate, is_open, is_public, without_service_headers
from local.proxy.wire import ClientSide, ProtocolError, Request, Response, ServerSide

_LOG = logging.getLogger(__name__)
_BACKLOG: Final = 512
# The longest wait for a call with the fault `timeout`; SDK clients time out long before.
_HELD_SECONDS: Final = 120.0
# A refused client may still be sending its request, and reads the answer only afterwards. So the proxy continues to
# read. It makes at most `_LINGER_READS` reads, and waits at most `_LINGER_SECONDS` for each of them.
_LINGER_SECONDS: Final = 1.0
_LINGER_READS: Final = 64

Connect = Callable[[], socket.socket]


class Proxy:
    """Forwards the requests that the gate accepts. Body and signed headers stay unchanged.

    If a fault rule hits a call, the proxy returns an error, resets the connection, or does not answer. The rule's kind
    decides. The emulator runs the call only if the kind is `lost-answer`.
    """

    def __init__(self, connect: Connect, gate: Gate, faults: Faults | None = None, port: int = 0) -> None:
        """`connect` opens a connection to the emulator. Port 0 picks a free port; a taken port raises `OSError`."""
        self._connect = connect
        self._gate = gate
        self._faults = faults or Faults()
        self._listener = socket.create_server((LOOPBACK, port), backlog=_BACKLOG)
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._stopping = False
        self.port = int(self._listener.getsockname()[1])
        self.url = f"http://{LOOPBACK}:{self.port}"

    def start(self) -> None:
        """Serve in a thread."""
        threading.Thread(target=self._accept, name="proxy", daemon=True).start()

    def stop(self) -> None:
        """Close the listener and every connection."""
        self._stopping = True
        with self._lock:
            connections = list(self._open)
        for each in (self._listener, *connections):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _accept(self) -> None:
        while not self._stopping:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return  # stopped
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                self._open.add(client)
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        client, upstream = ClientSide(connection), _Upstream(self._connect)
        try:
            while self._next(connection, client, upstream):
                pass
        except (ProtocolError, OSError) as error:
            # The client or the emulator violated HTTP, or closed its connection, which may happen at any time. Then
            # both connections end.
            if not self._stopping:
                _LOG.debug("proxy connection ended: %s", error)
        finally:
            upstream.close()
            with self._lock:
                self._open.discard(connection)
            connection.close()

    def _next(self, connection: socket.socket, client: ClientSide, upstream: "_Upstream") -> bool:
        """Answer the next request. Return whether the connection stays open."""
        try:
            head = client.head()
            if head is None:
                return False
            if refusal := self._gate.refusal_of_head(head, self.port):
                client.answer(refused(head, refusal))
                _close_after_answer(connection)
                return False
            request = Request(head, client.body())
        except ProtocolError as error:
            client.refuse(str(error))
            raise
        if refusal := self._gate.refusal_of_signature(request):
            return client.answer(refused(head, refusal))
        return self._handle(connection, client, upstream, request)

    def _handle(self, connection: socket.socket, client: ClientSide, upstream: "_Upstream", request: Request) -> bool:
        call = identify(request)
        kind = self._faults.decide(call.service, call.operation, request.body) if call else None
        if call is None or kind is None or kind is FaultKind.LOST_ANSWER:
            response = _forward(upstream, request)
            if kind is FaultKind.LOST_ANSWER:
                _reset(connection)
                return False
            return client.answer(response)
        if kind is FaultKind.RESET:
            _reset(connection)
            return False
        if kind is FaultKind.TIMEOUT:
            _wait_for_close(connection)
            return False
        return client.answer(failure(call, kind, request))


def _forward(upstream: "_Upstream", request: Request) -> Response:
    if is_public(request.head):
        return upstream.exchange(request)
    if is_open(request.head):
        request = Request(without_service_headers(request.head), request.body)
    response = upstream.exchange(request)
    # The emulator's CORS headers allow every origin.
    kept = tuple(each for each in response.headers if not each[0].lower().startswith(b"access-control-"))
    return Response(response.status, kept, response.body, response.reason)


class _Upstream:
    """A connection to the emulator that is kept alive between requests."""

    def __init__(self, connect: Connect) -> None:
        self._connect = connect
        self._side: ServerSide | None = None

    def exchange(self, request: Request) -> Response:
        """Send the request and return the answer. Never send it twice: an unanswered request may have had an effect."""
        if self._side is not None and _is_readable(self._side.socket, 0):
            self.close()  # the emulator closed the idle connection
        side = self._side or ServerSide(self._connect())
        self._side = side
        response = side.exchange(request)
        if not side.is_reusable():
            self.close()
        return response

    def close(self) -> None:
        """Close the connection, if it is open."""
        if self._side is not None:
            self._side.socket.close()
        self._side = None


def _close_after_answer(connection: socket.socket) -> None:
    """End the connection so that the answer arrives, although the request was not read completely."""
    connection.shutdown(socket.SHUT_WR)
    connection.settimeout(_LINGER_SECONDS)
    with contextlib.suppress(OSError):
        for _ in range(_LINGER_READS):
            if not connection.recv(65_536):
                break


def _reset(client: socket.socket) -> None:
    """End the connection with RST instead of FIN."""
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


def _wait_for_close(client: socket.socket) -> None:
    """Wait without an answer until the client closes the connection, for at most `_HELD_SECONDS`."""
    _is_readable(client, _HELD_SECONDS)


def _is_readable(connection: socket.socket, seconds: float) -> bool:
    """Return whether the peer sends data or closes the connection within `seconds`.

    `select.select` is not used, because it fails for descriptors above 1023.
    """
    poll = select.poll()
    poll.register(connection, select.POLLIN)
    return bool(poll.poll(seconds * 1000))
