"""Counts of the steps, faults and results of a run. They show how much a run without violations has tested."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Final

from lab.simulation.histories.play import Player
from lab.simulation.histories.seen import OLD_LETTERS
from lab.simulation.histories.steps import every_step

_COUNTERS: Final = ("steps", "faults", "answers", "orders", "seen", "paths")


@dataclass(slots=True)
class HistoryCounts:
    """Counts over histories.

    Attributes:
        histories: Number of played histories.
        cpu_seconds: Processor time of the run.
        steps: Steps by kind, nested steps included.
        faults: Faults at calls, by name.
        paths: Occurrences of each combination of function, operation and fault.
        answers: HTTP answers by status; ``none`` counts requests whose run was killed.
        orders: Orders by their last status.
        seen: Other events, by name.
        failures: Seed and violations of every failed history.
    """

    histories: int = 0
    cpu_seconds: float = field(default=0, compare=False)
    steps: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    paths: Counter[str] = field(default_factory=Counter)
    answers: Counter[str] = field(default_factory=Counter)
    orders: Counter[str] = field(default_factory=Counter)
    seen: Counter[str] = field(default_factory=Counter)
    failures: list[tuple[int, list[str]]] = field(default_factory=list)

    def add(self, player: Player, violations: list[str]) -> None:
        """Add the counts of one played history."""
        self.histories += 1
        self.steps.update(type(step).__name__.lower() for step in every_step(player.history.steps))
        for (function, operation, fault), times in player.surroundings.fired.items():
            self.faults[fault] += times
            self.paths[f"{function} {operation}: {fault}"] += times
        world = player.world
        for exchange in world.exchanges:
            self.answers["none" if exchange.response is None else str(exchange.response["statusCode"])] += 1
        for order in player.model.orders.values():
            self.orders[order["status"]["S"]] += 1
        queues = (world.orders_queue, world.dead_letters)
        self.seen["published"] += len(world.subscriber.received)
        self.seen["messages moved to the dead-letter queue by SQS"] += len(world.orders_queue.moves)
        self.seen["messages that outlived a queue's retention"] += sum(len(queue.expired) for queue in queues)
        self.seen[OLD_LETTERS] += len(world.dead_letters.expired)
        self.seen.update(player.model.seen_paths)
        if violations:
            self.failures.append((player.history.seed, violations))

    def merge(self, other: HistoryCounts) -> None:
        """Add the counts of other histories."""
        self.histories += other.histories
        self.cpu_seconds += other.cpu_seconds
        for name in _COUNTERS:
            getattr(self, name).update(getattr(other, name))
        self.failures += other.failures

    def document(self) -> dict[str, Any]:
        """The counts as a JSON document."""
        counted = {name: dict(getattr(self, name).most_common()) for name in _COUNTERS}
        failures = [{"seed": seed, "violations": found} for seed, found in sorted(self.failures)]
        return {
            "histories": self.histories,
            "cpu_seconds": round(self.cpu_seconds, 1),
            "cpu_ms_per_history": round(1000 * self.cpu_seconds / max(self.histories, 1), 2),
            "failures": failures,
            **counted,
        }

    def text(self) -> str:
        """The counts as text for people."""
        lines = [f"{self.histories} histories, {self.steps.total()} steps, {len(self.failures)} with violations"]
        for title, counter in (
            ("steps", self.steps),
            ("faults at calls", self.faults),
            ("answers", self.answers),
            ("orders by last status", self.orders),
            ("other events", self.seen),
        ):
            lines.append(f"  {title}: " + ", ".join(f"{name} {count}" for name, count in counter.most_common()))
        lines.append(f"  {len(self.paths)} different combinations of function, call and fault")
        lines.append(f"  {1000 * self.cpu_seconds / max(self.histories, 1):.1f} ms of processor time per history")
        return "\n".join(lines)
