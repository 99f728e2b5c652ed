"""The proxy's server: a thread per connection, one connection to the emulator for each."""

import contextlib
import logging
import select
import socket
import struct
import threading

from local.ports import LOOPBACK
from local.proxy.calls import failure, identify
from local.proxy.faults import FaultKind, Faults
from local.proxy.wire import Message, ProtocolError, Reader

_LOG = logging.getLogger(__name__)
_BACKLOG = 512
# A call that "times out" is held at most this long; SDK clients give up long before.
_HELD_SECONDS = 120.0


class FaultProxy:
    """Forwards every request unchanged (the signature covers the Host header) unless a fault rule hits it."""

    def __init__(self, upstream_port: int, faults: Faults) -> None:
        self._upstream_port = upstream_port
        self._faults = faults
        self._listener = socket.create_server((LOOPBACK, 0), backlog=_BACKLOG)
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._stopping = False
        self.port = int(self._listener.getsockname()[1])
        self.url = f"http://{LOOPBACK}:{self.port}"

    def start(self) -> None:
        """Serve from a thread."""
        threading.Thread(target=self._accept, name="fault-proxy", daemon=True).start()

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

    def _serve(self, client: socket.socket) -> None:
        upstream = _Upstream(self._upstream_port)
        try:
            reader = Reader(client)
            while (request := reader.request()) is not None:
                if not self._handle(client, upstream, request):
                    break
        except (ProtocolError, OSError, ValueError) as error:
            # Either side hung up, as networks do; the client sees a closed connection.
            if not self._stopping:
                _LOG.debug("proxy connection ended: %s", error)
        finally:
            upstream.close()
            with self._lock:
                self._open.discard(client)
            client.close()

    def _handle(self, client: socket.socket, upstream: "_Upstream", request: Message) -> bool:
        """Answer one request; whether the connection goes on."""
        call = identify(request)
        kind = self._faults.decide(call.service, call.operation, request.body) if call else None
        if call is None or kind is None or kind is FaultKind.LOST_ANSWER:
            response = upstream.exchange(request)
            if kind is FaultKind.LOST_ANSWER:
                _reset(client)
                return False
            client.sendall(response.head + response.body)
            return not (request.closes or response.closes)
        if kind is FaultKind.RESET:
            _reset(client)
            return False
        if kind is FaultKind.TIMEOUT:
            _hold(client)
            return False
        client.sendall(failure(call, kind, request))
        return not request.closes


class _Upstream:
    """A connection to the emulator that is kept alive between requests."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._socket: socket.socket | None = None
        self._reader: Reader | None = None

    def exchange(self, request: Message) -> Message:
        """Send the request once and return the answer. Never sends twice: the first might have had its effect."""
        connection, reader = self._connection()
        connection.sendall(request.head + request.body)
        response = reader.response(request.start[0])
        if response.closes:
            self.close()
        return response

    def _connection(self) -> tuple[socket.socket, Reader]:
        if self._socket is not None and _is_readable(self._socket, 0):
            self.close()  # the emulator closed the idle connection
        if self._socket is None or self._reader is None:
            self._socket = socket.create_connection((LOOPBACK, self._port), timeout=10)
            self._socket.settimeout(None)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._reader = Reader(self._socket)
        return self._socket, self._reader

    def close(self) -> None:
        """Close it, if it is open."""
        if self._socket is not None:
            self._socket.close()
        self._socket = self._reader = None


def _reset(client: socket.socket) -> None:
    """End the connection with RST instead of FIN."""
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


def _hold(client: socket.socket) -> None:
    """Say nothing until the client gives up."""
    _is_readable(client, _HELD_SECONDS)


def _is_readable(connection: socket.socket, seconds: float) -> bool:
    """Wait for data or the peer's end. Not by `select.select`, which can't take descriptors above 1023."""
    poll = select.poll()
    poll.register(connection, select.POLLIN)
    return bool(poll.poll(seconds * 1000))
