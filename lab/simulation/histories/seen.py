"""Counts the rare situations that the random histories must contain. A situation that never occurs is not tested."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from lab.simulation.histories.model import Batch, api_record, worker_record
from lab.simulation.histories.runs import Run, processed
from lab.simulation.invariants import order_of
from lab.simulation.world import API_RECORDS, WORKER_RECORDS, Exchange, World

TWINS: Final = "requests whose twin was running"
API_ZOMBIES: Final = "answers of the API after its deadline"
WORKER_ZOMBIES: Final = "batches that went on after their deadline"
OLD_KEYS: Final = "requests with an expired key"
OLD_ORDERS: Final = "orders delivered when the worker's record had expired"
NEIGHBOURS: Final = "other messages in the batch of a killer"
GROUPS: Final = "transactions of several orders"
OLD_LETTERS: Final = "dead letters that expired"


@dataclass(slots=True)
class Seen:
    """Counts the situations of one history in ``counts``."""

    world: World
    counts: Counter[str]
    _running: list[tuple[str, str]] = field(default_factory=list)

    def request_begins(self, caller: str, key: str) -> None:
        """Record that a request begins, perhaps in the middle of another request."""
        self.counts[TWINS] += (caller, key) in self._running
        self.counts[OLD_KEYS] += self._has_expired(API_RECORDS, api_record(caller, key))
        self._running.append((caller, key))

    def request_ends(self, exchange: Exchange) -> None:
        """Record the end of the request that began last."""
        self._running.pop()
        late = exchange.answered_at - exchange.sent_at > self.world.deployment.api_timeout_seconds
        self.counts[API_ZOMBIES] += late and exchange.response is not None

    def batch_begins(self, batch: Batch) -> float:
        """Record that the worker's run of a batch begins; returns the time."""
        for message in batch.messages:
            self.counts[OLD_ORDERS] += self._has_expired(WORKER_RECORDS, worker_record(order_of(message) or ""))
        return self.world.cloud.clock.now

    def batch_ends(self, batch: Batch, run: Run, began: float) -> None:
        """Record the end of the run that began at ``began``."""
        late = self.world.cloud.clock.now - began > self.world.deployment.worker_timeout_seconds
        self.counts[WORKER_ZOMBIES] += late and not run.killed
        if run.killer is not None:
            self.counts[NEIGHBOURS] += len(batch.messages) - 1
        transactions = (call for call in run.calls if call.operation == "TransactWriteItems")
        self.counts[GROUPS] += sum(len(processed(call)) > 1 for call in transactions)

    def _has_expired(self, table: str, record_id: str) -> bool:
        record = self.world.cloud.dynamodb.tables[table].items.get((record_id,))
        return record is not None and int(record["expiration"]["N"]) < self.world.cloud.clock.now
