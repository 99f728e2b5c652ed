"""Sends requests to a running supervisor, through the API of its web page (local/page)."""

import json
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from typing import Any
from urllib.parse import urlsplit

import pydantic

from local.errors import LocalError
from local.instance import Instance
from local.ports import LOOPBACK
from local.proxy.faults import FaultRule, FaultStatus

KEY_HEADER = "x-page-key"
_STATUSES = pydantic.TypeAdapter(list[FaultStatus])


class Control:
    """Client of a running supervisor."""

    def __init__(self, instance: Instance) -> None:
        self._url, _, self._key = instance.page_url.partition("/#key=")

    def add_fault(self, rule: FaultRule) -> FaultStatus:
        """Add a rule, which applies from now on."""
        return FaultStatus.model_validate(self._call("POST", "/api/faults", rule.model_dump_json()))

    def faults(self) -> list[FaultStatus]:
        """Return the fault rules, each with the number of calls that failed because of it."""
        return _STATUSES.validate_python(self._call("GET", "/api/faults"))

    def clear_faults(self) -> int:
        """Remove all rules and return their number."""
        return int(self._call("POST", "/api/faults/clear", "{}"))

    def remove_fault(self, number: int) -> bool:
        """Remove the rule with this id. Return whether the rule existed."""
        return bool(self._call("POST", f"/api/faults/{number}/remove", "{}"))

    def stop(self) -> None:
        """Ask the supervisor to stop."""
        self._call("POST", "/api/stop", "{}")

    def _call(self, method: str, path: str, body: str | None = None) -> Any:
        parts = urlsplit(self._url)
        connection = HTTPConnection(parts.hostname or LOOPBACK, parts.port, timeout=10)
        try:
            connection.request(method, path, body, {KEY_HEADER: self._key, "Content-Type": "application/json"})
            answer = connection.getresponse()
            document = json.loads(answer.read())
        except (OSError, HTTPException) as error:
            raise LocalError(f"The supervisor does not answer at {self._url}: {error}") from None
        finally:
            connection.close()
        if answer.status != HTTPStatus.OK:
            raise LocalError(f"The supervisor refuses: {document['error']}")
        return document
