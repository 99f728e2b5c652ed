"""Tests that the clients reuse their connections, even if the worker has the maximum number of threads."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Barrier, Lock, Thread
from typing import Any

import pytest
from botocore.config import Config

from runtime.settings import MAX_BATCH_THREADS
from runtime.store import clients

# On a busy machine a hundred threads can exceed the timeouts of the functions' clients.
PATIENT = Config(connect_timeout=60, read_timeout=60)


class Server(ThreadingHTTPServer):
    """Counts connections, and answers when each thread of the worker has sent a request."""

    daemon_threads = True
    request_queue_size = MAX_BATCH_THREADS

    def __init__(self) -> None:
        self.connections = 0
        self.lock = Lock()
        self.all_sent = Barrier(MAX_BATCH_THREADS, timeout=60)
        super().__init__(("127.0.0.1", 0), Handler)


class Handler(BaseHTTPRequestHandler):
    """Serves one connection, which stays open after an answer."""

    protocol_version = "HTTP/1.1"
    server: Server

    def setup(self) -> None:
        """Count the connection."""
        super().setup()
        with self.server.lock:
            self.server.connections += 1

    def do_POST(self) -> None:
        """Answer with an empty JSON object."""
        self.rfile.read(int(self.headers["Content-Length"]))
        self.server.all_sent.wait()
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: object) -> None:
        """Print nothing."""


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_threads_reuse_their_connections(server: Server) -> None:
    # GIVEN the DynamoDB client, and as many threads as a worker may have
    session: Any = clients._session()
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "eu-central-1"}
    url = f"http://127.0.0.1:{server.server_port}"
    dynamodb = session.client("dynamodb", endpoint_url=url, config=clients.CONFIG.merge(PATIENT), **keys)
    # WHEN all threads call at the same time, twice
    with ThreadPoolExecutor(MAX_BATCH_THREADS) as pool:
        for _ in range(2):
            list(pool.map(lambda _: dynamodb.list_tables(), range(MAX_BATCH_THREADS)))
    # THEN the second calls use the connections of the first calls
    assert server.connections == MAX_BATCH_THREADS
