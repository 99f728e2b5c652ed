"""Disturbs the calls that functions make in a history. Some faults are planned; the state of
the simulated world causes others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from lab.simulation.fakes import Call, Fault, Process
from lab.simulation.fakes.faults import arrives_late, crash_before, deadline
from lab.simulation.fakes.wire import Perform, Response
from lab.simulation.histories import faults
from lab.simulation.histories.orders import Order
from lab.simulation.histories.steps import MEANWHILE_AFTER, MEANWHILE_BEFORE, At, Step
from lab.simulation.world import ORDERS as ORDERS_TABLE
from lab.simulation.world import STOCK, World

_KILLING = frozenset({"TransactWriteItems", "Publish"})


@dataclass(slots=True)
class Run(Process):
    """One run of a function in a history.

    Attributes:
        worker: Whether the function is the worker; otherwise it is the API's function.
        disturbed: Number of disturbances, by the operation of the disturbed call.
        killer: Id of the order that killed the worker in this run, if any.
    """

    worker: bool = False
    disturbed: Counter[str] = field(default_factory=Counter)
    killer: str | None = None


@dataclass(slots=True)
class Surroundings:
    """State of the world that causes faults in runs.

    Attributes:
        world: The simulated world.
        find: Returns the order with the given id, if a caller in the history posted it.
        play_steps: Plays steps in the middle of a run.
        fired: Occurrences of each disturbance, by function, operation and name.
        late: Calls of killed processes. These calls have not taken effect yet.
        outages: For each service with an outage: when the outage ends, and the name of the fault
            that its calls get.
        popular: For each popular SKU: when its conflicts end, and the share of its transactions that conflict until
            then.
        fixed: Whether orders no longer kill the worker: true after the step ``Fix`` or after ``repair``.
        runs: All runs so far.
    """

    world: World
    find: Callable[[str], Order | None]
    play_steps: Callable[[tuple[Step, ...]], None]
    fired: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    late: list[Callable[[], Any]] = field(default_factory=list)
    outages: dict[str, tuple[float, str]] = field(default_factory=dict)
    popular: dict[str, tuple[float, float]] = field(default_factory=dict)
    fixed: bool = False
    runs: list[Run] = field(default_factory=list)

    def run(self, at: tuple[At, ...], *, worker: bool) -> Run:
        """Return a new run with its planned faults and the faults of its surroundings."""
        run = Run(worker=worker)
        self.runs.append(run)
        run.on_call = lambda call: self._surrounding_fault(run, call)
        run.faults = {one.call: self._planned(run, one) for one in at}
        return run

    def repair(self) -> None:
        """End all outages and conflicts, and stop orders from killing the worker."""
        self.outages.clear()
        self.popular.clear()
        self.fixed = True

    # --- planned faults ---------------------------------------------------------------------------------------------

    def _planned(self, run: Run, at: At) -> Fault:
        def fault(call: Call, perform: Perform) -> Response:
            if at.what == MEANWHILE_BEFORE:
                self._meanwhile(run, call, at)
                return self._plain(run, call, perform)
            if at.what == MEANWHILE_AFTER:
                response = self._plain(run, call, perform)
                self._meanwhile(run, call, at)
                return response
            if not faults.fits(at.what, call):
                return self._plain(run, call, perform)
            return self._disturb(run, call, at.what)(call, perform)

        return fault

    def _meanwhile(self, run: Run, call: Call, at: At) -> None:
        self._note(run, call, at.what)
        self.play_steps(at.steps)

    def _plain(self, run: Run, call: Call, perform: Perform) -> Response:
        """Perform the call without a planned fault. The call's surroundings can still cause a fault."""
        fault = self._surrounding_fault(run, call)
        return perform() if fault is None else fault(call, perform)

    def _disturb(self, run: Run, call: Call, what: str) -> Fault:
        self._note(run, call, what)
        if what == faults.LATE:
            return arrives_late(self.late)
        if what == faults.DEADLINE:
            return deadline(self._deadline_passes)
        if what == faults.ROW_BUSY:
            table = STOCK if call.index % 2 else ORDERS_TABLE
            return self._busy(lambda update: bool(update["TableName"] == table))
        return faults.BY_NAME[what].fault

    # --- faults of the surroundings ---------------------------------------------------------------------------------

    def _surrounding_fault(self, run: Run, call: Call) -> Fault | None:
        """Return the call's fault, if an outage, a killer or a popular SKU causes one."""
        outage = self.outages.get(call.service)
        if outage is not None and self.world.cloud.clock.now < outage[0]:
            self._note(run, call, f"outage: {outage[1]}")
            return faults.BY_NAME[outage[1]].fault
        if run.worker and call.operation in _KILLING:
            return self._kills(run, call) or self._conflicts(run, call)
        return None

    def _kills(self, run: Run, call: Call) -> Fault | None:
        orders = {} if self.fixed else {order_id: self.find(order_id) for order_id in processed(call)}
        killers = [(order_id, order) for order_id, order in orders.items() if order and order.kills == call.operation]
        if not killers:
            return None
        run.killer, order = killers[0]
        # "By deadline": the order makes the worker run until its deadline, at which Lambda kills
        # the worker.
        self._note(run, call, "order kills by deadline" if order.by_deadline else "order kills")
        return deadline(self._deadline_passes) if order.by_deadline else crash_before

    def _conflicts(self, run: Run, call: Call) -> Fault | None:
        if not self.popular or call.operation != "TransactWriteItems":
            return None
        now, random = self.world.cloud.clock.now, self.world.cloud.entropy.random
        busy = {sku for sku, (until, share) in self.popular.items() if now < until and random.random() < share}
        if not any(_sku(item["Update"]) in busy for item in call.params["TransactItems"]):
            return None
        self._note(run, call, "conflict on a popular SKU")
        return self._busy(lambda update: _sku(update) in busy)

    # --- helpers ----------------------------------------------------------------------------------------------------

    def _busy(self, busy: Callable[[dict[str, Any]], bool]) -> Fault:
        return faults.row_is_busy(self.world.cloud.dynamodb.transactions, busy)

    def _deadline_passes(self) -> None:
        config = self.world.deployment
        self.world.cloud.clock.advance(max(config.api_timeout_seconds, config.worker_timeout_seconds) + 1)

    def _note(self, run: Run, call: Call, what: str) -> None:
        run.disturbed[call.operation] += 1
        self.fired["worker" if run.worker else "api", call.operation, what] += 1


def _sku(update: dict[str, Any]) -> str | None:
    value: str | None = update["Key"].get("sku", {}).get("S")
    return value


def processed(call: Call) -> list[str]:
    """Return the ids of the orders in a worker's transaction or published event."""
    if call.operation == "Publish":
        return [str(call.params["MessageAttributes"]["event_id"]["StringValue"]).partition(":")[0]]
    keys = [item["Update"]["Key"] for item in call.params["TransactItems"]]
    return [str(key["order_id"]["S"]) for key in keys if "order_id" in key]
