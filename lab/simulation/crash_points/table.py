"""The table of outcomes, as text: a row for each crash point, a column for each kind of fault."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from lab.simulation.crash_points.cases import Case, Outcome, run_case
from lab.simulation.crash_points.disturbances import COLUMNS, Disturbance, disturbances

LETTERS = {"same": "=", "retried": "r", "redriven": "d", "violated": "!"}
RANK = "=rd!"
SECOND = frozenset({"crash before", "crash after", "answer lost", "server error"})
"""Names of the faults that may follow another fault in the same run."""
LEGEND = f"""
=  the disturbed run ended like an undisturbed run    r  a retry by the caller or the queue was needed
d  a redrive of a dead letter was needed              !  a guarantee was violated          .  not possible at this call
"transaction cancelled": one case for each combination of the items' cancellation reasons, and one
case in which DynamoDB answers that an earlier try of the same transaction is still in progress
"zombie before", "zombie after": the process pauses before the call or after the call's effect; meanwhile its lease ends
If several cases share a cell, the cell shows the worst outcome.
Columns: {"; ".join(f"{chr(97 + index)} {name}" for index, name in enumerate(COLUMNS))}
"""


@dataclass(slots=True)
class Table:
    """Runs cases and keeps their outcomes by path, call and column."""

    pairs: bool = False
    count: int = 0
    violations: list[str] = field(default_factory=list)
    cells: dict[tuple[str, str, int, str], dict[str, str]] = field(default_factory=dict)

    def run(self, case: Case) -> None:
        """Run one case. With ``pairs``, run it again with each possible second fault.

        A second fault is one of ``SECOND``, at a later call. A case whose fault kills the process has no later call.
        """
        outcome = run_case(case)
        self._keep(case, outcome)
        if self.pairs and not case.disturbance.kills:
            for index, disturbance in _second_disturbances(case, outcome):
                self._keep(case, run_case(case, (index, disturbance)))

    def _keep(self, case: Case, outcome: Outcome) -> None:
        self.count += 1
        self.violations += outcome.violations
        row = self.cells.setdefault(
            (case.path.function, case.path.name, case.call.index, case.call.operation), dict.fromkeys(COLUMNS, ".")
        )
        letter, known = LETTERS[outcome.end], row[case.disturbance.column]
        row[case.disturbance.column] = letter if known == "." else max(letter, known, key=RANK.index)

    def text(self) -> str:
        """The whole table: legend, rows, violations and totals."""
        paths = dict.fromkeys(key[:2] for key in self.cells)
        return "".join([self.head(), *(self.rows(*path) for path in paths), self.sums()])

    def head(self) -> str:
        """Legend and columns."""
        return f"{LEGEND}\n{'':34}" + " ".join(chr(97 + index) for index in range(len(COLUMNS))) + "\n"

    def rows(self, function: str, path: str) -> str:
        """The rows of one path."""
        lines = [f"{function} · {path}"]
        for (its_function, its_path, index, operation), row in self.cells.items():
            if (its_function, its_path) == (function, path):
                lines.append(f"  {index:2} {operation:29} " + " ".join(row[column] for column in COLUMNS))
        return "\n".join(lines) + "\n"

    def sums(self) -> str:
        """Every violation, and the totals."""
        paths = len({key[:2] for key in self.cells})
        sums = f"{paths} paths, {len(self.cells)} crash points, {self.count} cases, {len(self.violations)} violations"
        return "\n".join(["", *self.violations, sums]) + "\n"


def _second_disturbances(case: Case, outcome: Outcome) -> Iterator[tuple[int, Disturbance]]:
    """Yield each possible second disturbance: the index of a later call, and a disturbance of it."""
    for call in outcome.calls[case.call.index + 1 :]:
        for disturbance in disturbances(call):
            if disturbance.name in SECOND:
                yield call.index, disturbance
