"""An HTTP/1.1 server that replaces the emulator and records the GET and POST requests that it receives."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from local.proxy.faults import Faults
from local.proxy.server import Proxy
from tests.local.signing import gate


class Upstream(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.seen: list[tuple[str, str, dict[str, str], bytes]] = []
        self.connections: set[tuple[str, int]] = set()
        self.chunked = False
        self.headers = {"X-Upstream": "yes"}

    @property
    def port(self) -> int:
        return int(self.server_address[1])


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Upstream

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.seen.append((self.command, self.path, dict(self.headers.items()), body))
        self.server.connections.add(self.client_address)
        self.send_response(200)
        for name, value in self.server.headers.items():
            self.send_header(name, value)
        answer = b"echo:" + body
        if self.server.chunked:
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for part in (answer[:3], answer[3:]):
                self.wfile.write(f"{len(part):x}\r\n".encode() + part + b"\r\n")
            self.wfile.write(b"0\r\n\r\n")
        else:
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

    do_GET = do_POST  # noqa: N815 the base class's name

    def do_HEAD(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 the base class's name
        """Log nothing."""


@contextmanager
def proxied(faults: Faults | None = None) -> Iterator[tuple[Upstream, Proxy]]:
    upstream = Upstream()
    thread = threading.Thread(target=upstream.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    proxy = Proxy(lambda: socket.create_connection(("127.0.0.1", upstream.port)), gate(), faults)
    proxy.start()
    try:
        yield upstream, proxy
    finally:
        proxy.stop()
        upstream.shutdown()
        upstream.server_close()
        thread.join()
