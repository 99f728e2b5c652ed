"""Recordings of each release's output for one order, byte for byte: answers, messages, items and events.

Tests cannot run an older release: the repository has only these recordings of it. If the current code writes the same
bytes, the older release can read them after a rollback. If the current code can continue from a recorded state, an
upgrade is safe in that state.

    python -m tests.flow.releases 0.2.0     # before releasing 0.2.0: records the current code's output
"""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any, Final

from lab.simulation.crash_points.stage import Stage, staged
from lab.simulation.fakes.wire import Response
from lab.simulation.requests import order_body
from lab.simulation.world import API_RECORDS, ORDERS, STOCK, WORKER_RECORDS

FOLDER: Final = Path(__file__).parent
TABLES: Final = (ORDERS, STOCK, API_RECORDS, WORKER_RECORDS)
KEY: Final = "from-release-to-release"
BODY: Final = order_body(("SKU-1", 2), ("SKU-2", 1), currency="EUR", reference="ref-1")

Recorded = dict[str, Any]


def record() -> Recorded:
    """Record the current code's output for one order that is accepted, replayed, confirmed and looked up."""
    with staged() as stage:
        first = stage.post(KEY, BODY)
        accepted = state(stage)
        again = stage.post(KEY, BODY)
        stage.world.drain()
        (event,) = stage.world.subscriber.received
        answers = [answer_parts(each.response) for each in (first, again)]
        order_id = json.loads(event.body)["subject"]
        return {
            "answer": answers[0],
            "replay": answers[1],
            "accepted": accepted,
            "settled": state(stage),
            "event": event.body,
            "view": answer_parts(stage.world.get(order_id, caller="ann")),
        }


def answer_parts(response: Response | None) -> Recorded:
    """Return the parts of an answer that must not change: its status, its bytes, and the mark of a replay."""
    assert response is not None
    replayed = response["headers"].get("Idempotent-Replayed")
    return {"status": response["statusCode"], "body": response["body"], "replayed": replayed}


def state(stage: Stage) -> Recorded:
    """Return every table's items, and the messages in the orders queue."""
    tables = stage.world.cloud.dynamodb.tables
    return {
        "tables": {name: copy.deepcopy(list(tables[name].items.values())) for name in TABLES},
        "messages": [
            {"body": message.body, "attributes": copy.deepcopy(message.attributes)}
            for message in stage.world.orders_queue.messages.values()
        ],
    }


def restore(stage: Stage, recorded: Recorded) -> None:
    """Restore a recorded state in a stage's world."""
    for name, items in recorded["tables"].items():
        table = stage.world.cloud.dynamodb.tables[name]
        table.items.clear()
        key = {ORDERS: "order_id", STOCK: "sku"}.get(name, "id")
        table.items.update({(item[key]["S"],): copy.deepcopy(item) for item in items})
    for message in recorded["messages"]:
        stage.world.orders_queue.send(message["body"], copy.deepcopy(message["attributes"]))


def releases() -> dict[str, Recorded]:
    """Return the recordings by release, the oldest first."""
    paths = sorted(FOLDER.glob("*.json"), key=lambda path: [int(part) for part in path.stem.split(".")])
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in paths}


def plain(recorded: Recorded) -> Recorded:
    """Convert a recording to JSON and back, so that it can be compared with a recording from a file."""
    found: Recorded = json.loads(json.dumps(recorded))
    return found
