"""Helpers for tests that settle one order without a batch or a delivery."""

from typing import Any

from runtime.logic.protocols import Written
from runtime.logic.settle import Settler
from runtime.store.settlement import SettlementStore
from tests.unit.worker.conftest import ORDERS, STOCK, Spy, WorkerAccount
from tests.unit.worker.factories import message


def settler(world: WorkerAccount) -> Settler:
    """Return a settler whose calls are recorded and whose random number is always 0.5."""
    client: Any = Spy(world.dynamodb, world.calls, world.faults)
    return Settler(SettlementStore(client, ORDERS, STOCK), world.clock, lambda: 0.5)


def settle(world: WorkerAccount, number: int = 1, **overrides: Any) -> Written:
    """Settle an order."""
    return settler(world).settle(message(number, **overrides), lambda: None)
