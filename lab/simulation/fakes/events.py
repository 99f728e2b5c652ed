"""The EventBridge client. Each bus has one rule, which matches every event. The bus records what the rule's
target received."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from lab.simulation.clock import Entropy
from lab.simulation.fakes.errors import UnsupportedByFakeError, client_error, only_known
from lab.simulation.fakes.sns import Notification, Subscription
from lab.simulation.fakes.wire import OK, Response, Wire

_ENTRY = frozenset({"EventBusName", "Source", "DetailType", "Detail", "Time"})
MAX_BYTES = 256 * 1024
_TIME_BYTES = 14


class FakeEvents:
    """Stands in for ``boto3.client("events")``: one entry per call."""

    def __init__(self, entropy: Entropy, wire: Wire) -> None:
        self.entropy = entropy
        self.wire = wire
        self.buses: dict[str, Subscription] = {}

    def add_bus(self, name: str) -> Subscription:
        """Create a bus with one rule that matches every event. Its target receives each event's `Detail`."""
        self.buses[name] = Subscription()
        return self.buses[name]

    def put_events(self, **params: Any) -> Response:
        """Put one event on a bus."""
        only_known("PutEvents", params, frozenset({"Entries"}))
        if len(params["Entries"]) != 1:
            raise UnsupportedByFakeError(
                f"PutEvents with {len(params['Entries'])} entries is not modelled. "
                "Extend the fake, or put one entry per call."
            )
        (entry,) = params["Entries"]
        only_known("PutEvents", entry, _ENTRY)
        return self.wire.carry("events", "PutEvents", params, lambda: self._put(entry))

    def _put(self, entry: Mapping[str, Any]) -> Response:
        size = sum(len(entry[name].encode()) for name in ("Source", "DetailType", "Detail")) + _TIME_BYTES
        if size >= MAX_BYTES:
            raise client_error(
                "PutEvents", "ValidationException", "Total size of the entries in the request is over the limit"
            )
        bus = self.buses.get(entry["EventBusName"])
        if bus is None:
            # AWS does not document the answer for an unknown bus.
            raise UnsupportedByFakeError(f"There is no bus {entry['EventBusName']!r}. Extend the fake, or add the bus.")
        # EventBridge parses and rewrites `Detail`. This does not change the program's canonical JSON.
        body = json.dumps(json.loads(entry["Detail"]), sort_keys=True, separators=(",", ":"))
        bus.received.append(Notification(self.entropy.uuid(), body))
        return {
            "FailedEntryCount": 0,
            "Entries": [{"EventId": bus.received[-1].message_id}],
            "ResponseMetadata": OK,
        }


def refused_entry(code: str) -> Response:
    """Return the answer to a call that succeeds, although its only event is refused."""
    return {
        "FailedEntryCount": 1,
        "Entries": [{"ErrorCode": code, "ErrorMessage": "refused (injected)"}],
        "ResponseMetadata": OK,
    }
