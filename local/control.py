"""The supervisor's control endpoint: HTTP on loopback, opened by the token in the state folder."""

import hmac
import json
import re
import threading
from collections.abc import Callable
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

import pydantic

from local.errors import LocalError
from local.instance import Instance
from local.ports import LOOPBACK
from local.proxy.faults import FaultRule, Faults, FaultStatus

_LARGEST_BODY = 65_536
_LENGTH = re.compile(r"[0-9]{1,9}")
_POLL_SECONDS = 0.1  # how soon the server notices that it is stopped
_STATUSES = pydantic.TypeAdapter(list[FaultStatus])


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, faults: Faults, token: str, stop: Callable[[], None]) -> None:
        super().__init__((LOOPBACK, 0), _Handler)
        self.faults = faults
        self.token = token
        self.stop = stop


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        self._route({"/faults": self._list})

    def do_POST(self) -> None:
        self._route({"/faults": self._add, "/stop": self._stop})

    def do_DELETE(self) -> None:
        self._route({"/faults": self._clear})

    def _route(self, routes: dict[str, Callable[[bytes], Any]]) -> None:
        length = self.headers.get("Content-Length", "0")
        given = self.headers.get("Authorization", "").encode()
        if not hmac.compare_digest(given, f"Bearer {self.server.token}".encode()):
            self._refuse(HTTPStatus.UNAUTHORIZED, "the token is missing or wrong")
        elif not _LENGTH.fullmatch(length):
            self._refuse(HTTPStatus.BAD_REQUEST, f"Content-Length {length!r} is not a number of bytes")
        elif int(length) > _LARGEST_BODY:
            self._refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"at most {_LARGEST_BODY} bytes are taken")
        else:
            self._run(routes.get(self.path), self.rfile.read(int(length)))

    def _run(self, route: Callable[[bytes], Any] | None, body: bytes) -> None:
        if route is None:
            self._answer(HTTPStatus.NOT_FOUND, {"error": f"{self.command} {self.path} is not known"})
            return
        try:
            self._answer(HTTPStatus.OK, route(body))
        except pydantic.ValidationError as error:
            self._answer(HTTPStatus.BAD_REQUEST, {"error": str(error)})

    def _refuse(self, status: HTTPStatus, reason: str) -> None:
        """Answer without reading the body, so that nothing can follow on this connection."""
        self.close_connection = True
        self._answer(status, {"error": reason})

    def _list(self, _: bytes) -> Any:
        return [each.model_dump(mode="json") for each in self.server.faults.list()]

    def _add(self, body: bytes) -> Any:
        return self.server.faults.add(FaultRule.model_validate_json(body)).model_dump(mode="json")

    def _clear(self, _: bytes) -> Any:
        return {"cleared": self.server.faults.clear()}

    def _stop(self, _: bytes) -> Any:
        self.server.stop()
        return {"stopping": True}

    def _answer(self, status: HTTPStatus, document: Any) -> None:
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 the base class's name
        """Say nothing: who asks what is no news."""


class ControlServer:
    """Serves fault rules and the order to stop."""

    def __init__(self, faults: Faults, token: str, stop: Callable[[], None]) -> None:
        self._server = _Server(faults, token, stop)
        self.url = f"http://{LOOPBACK}:{self._server.server_address[1]}"

    def start(self) -> None:
        """Serve from a thread."""
        threading.Thread(target=self._server.serve_forever, args=(_POLL_SECONDS,), name="control", daemon=True).start()

    def stop(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()


class Control:
    """Talks to a running supervisor."""

    def __init__(self, instance: Instance) -> None:
        self._instance = instance

    def add_fault(self, rule: FaultRule) -> FaultStatus:
        """Put a rule in force."""
        return FaultStatus.model_validate(self._call("POST", "/faults", rule.model_dump_json()))

    def faults(self) -> list[FaultStatus]:
        """The rules and what they did."""
        return _STATUSES.validate_python(self._call("GET", "/faults"))

    def clear_faults(self) -> int:
        """Remove all rules; how many there were."""
        return int(self._call("DELETE", "/faults")["cleared"])

    def stop(self) -> None:
        """Ask the supervisor to end."""
        self._call("POST", "/stop", "{}")

    def _call(self, method: str, path: str, body: str | None = None) -> Any:
        parts = urlsplit(self._instance.control_url)
        connection = HTTPConnection(parts.hostname or LOOPBACK, parts.port, timeout=10)
        headers = {"Authorization": f"Bearer {self._instance.token}", "Content-Type": "application/json"}
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            document = json.loads(answer.read())
        except (OSError, HTTPException) as error:
            url = self._instance.control_url
            raise LocalError(f"The supervisor does not answer at {url}: {error}") from None
        finally:
            connection.close()
        if answer.status != HTTPStatus.OK:
            raise LocalError(f"The supervisor refuses: {document['error']}")
        return document
