"""Simulates orders for few SKUs. One transaction at a time can use a SKU's row. Here, the ``group``
of a message is the SKU of its order."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from functools import partial

from lab.simulation.outage import CALL_SECONDS, CANCELLED_SECONDS, TRANSACTION_SECONDS, Result, Settings, Simulation
from lab.simulation.waiting import Message
from runtime.logic.backoff import conflict_pause
from runtime.logic.together import GROUP_SECONDS, SHORT_SECONDS


@dataclass(slots=True)
class Stock:
    """Stock rows, and how the worker settles orders for their SKUs.

    Attributes:
        transaction_seconds: Time for which a transaction holds its rows.
        grouped: Whether a batch's orders that share a SKU are first tried in one transaction.
        sold_out: Whether every SKU is sold out. A transaction then fails without a retry, and holds no row.
    """

    transaction_seconds: float = TRANSACTION_SECONDS
    grouped: bool = True
    sold_out: bool = False
    _free_at: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    _short_until: float = 0
    _settled: set[int] = field(default_factory=set)

    def together(self, simulation: Simulation, batch: Collection[Message], end: Callable[[], None]) -> None:
        """Settle a batch's orders that share a SKU. If that fails, each order gets its own transaction."""
        counts = Counter(message.group for message in batch)
        shared = [message for message in batch if counts[message.group] > 1]
        if not shared or not self.grouped or simulation.now < self._short_until:
            end()
            return

        def ended(done: bool) -> None:
            if done:
                self._settled |= {id(message) for message in shared}
            elif self.sold_out:
                self._short_until = simulation.now + SHORT_SECONDS
            end()

        self._transact(simulation, {message.group for message in shared}, GROUP_SECONDS, ended)

    def work(self, simulation: Simulation, message: Message, end: Callable[[bool], None]) -> None:
        """Simulate the calls for an order: two writes of its idempotency record, a read, the publish of its event, and
        the transaction. An order that `together` has settled needs no transaction of its own."""
        if id(message) in self._settled:
            simulation.after(4 * CALL_SECONDS, partial(end, True))
            return

        def settled(done: bool) -> None:
            if done or self.sold_out:
                simulation.after(3 * CALL_SECONDS, partial(end, True))
            else:
                end(False)

        seconds = simulation.settings.contention_seconds
        simulation.after(CALL_SECONDS, lambda: self._transact(simulation, {message.group}, seconds, settled))

    def _transact(
        self, simulation: Simulation, skus: Collection[str], seconds: float, end: Callable[[bool], None]
    ) -> None:
        """Retry the transaction for ``seconds``, and report whether it succeeded."""
        deadline = simulation.now + seconds
        tries = 0

        def attempt() -> None:
            nonlocal tries
            tries += 1
            if any(self._free_at[sku] > simulation.now for sku in skus):
                simulation.result.conflicts += 1
                simulation.after(CANCELLED_SECONDS, cancelled)
            elif self.sold_out:
                simulation.after(CANCELLED_SECONDS, partial(end, False))
            else:
                self._free_at.update(dict.fromkeys(skus, simulation.now + self.transaction_seconds))
                simulation.after(self.transaction_seconds, partial(end, True))

        def cancelled() -> None:
            pause = conflict_pause(tries, random=simulation.random.random)
            if simulation.now + pause > deadline:
                end(False)
            else:
                simulation.after(pause, attempt)

        attempt()


def sell(orders: Iterable[Message], stock: Stock | None = None, settings: Settings | None = None) -> Result:
    """Simulate these orders, and return the result. ``stock`` and ``settings`` have defaults."""
    stock = stock or Stock()
    return Simulation(settings or Settings.default(), stock.work, together=stock.together).run(orders)
