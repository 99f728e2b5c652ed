"""Makes the table of a mutation run, and lists the reasons why the run fails."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from lab.mutation.listed import MAY_BE_LISTED, entry, stale
from lab.mutation.results import Change, Mutant, Verdict

LEAST_KILLED_PERCENT = 95
_COLUMNS = ("mutants", "killed", "timeout", "listed", "survived", "unclear")


@dataclass(frozen=True, slots=True)
class Report:
    """Findings of a run.

    Attributes:
        mutants: The mutants of the run, with their verdicts.
        listed: The mutants that are allowed to survive, with the reasons.
        least: For each module, the lowest allowed percentage of noticed mutants. If `least` is empty,
            `LEAST_KILLED_PERCENT` applies to all mutants together.
    """

    mutants: Sequence[Mutant]
    listed: Mapping[Change, str]
    least: Mapping[str, int] = field(default_factory=dict)

    def column(self, mutant: Mutant) -> str:
        """Return the column of the table in which a mutant counts."""
        if mutant.verdict in MAY_BE_LISTED and mutant.change in self.listed:
            return "listed"
        return mutant.verdict.value

    def survivors(self) -> list[Mutant]:
        """Return the mutants that survived and are not listed."""
        return [mutant for mutant in self.mutants if self.column(mutant) == "survived"]

    def stale(self) -> list[Change]:
        """Return the listed changes that are out of date.

        A change is out of date if a test noticed the mutant, or if the mutant does not exist.
        If one mutant of a module in `runtime/` is unclear, all listed changes of this module are left out.
        """
        return stale(dict(self.listed), self.mutants)

    def percent(self, module: str = "") -> float:
        """Return the percentage of noticed mutants in one module, or in all modules.

        Mutants without a verdict do not count. Listed mutants count as not noticed.
        """
        columns = Counter(self.column(mutant) for mutant in self.mutants if module in ("", mutant.module))
        run = columns.total() - columns["unclear"]
        return 100 * (columns["killed"] + columns["timeout"]) / run if run else 100.0

    def table(self) -> list[str]:
        """Return a Markdown table with a row for each module, each package, and all mutants."""
        rows: dict[str, Counter[str]] = {}
        for mutant in self.mutants:
            package = ".".join(mutant.module.split(".")[:2])
            for name in {mutant.module, f"**{package}**" if package != mutant.module else package, "**all**"}:
                rows.setdefault(name, Counter()).update(["mutants", self.column(mutant)])
        lines = ["| " + " | ".join(("", *_COLUMNS, "%")) + " |", "|" + "---|" * (len(_COLUMNS) + 2)]
        return lines + [_row(name, rows[name]) for name in sorted(rows, key=lambda name: (name.strip("*"), name))]

    def problems(self, *, complete: bool) -> list[str]:
        """Return the reasons why the run fails, if it does.

        If `complete` is true, the run also fails if a mutant has no verdict.
        """
        found = [
            f"No test noticed {mutant.name}. Test or delete the code, or list the mutant with the reason:\n"
            + entry(mutant.change)
            for mutant in self.survivors()
            if mutant.change
        ]
        found += [
            f"Remove this entry: a test noticed the mutant, or the mutant does not exist.\n{entry(change)}"
            for change in self.stale()
        ]
        for module, least in (self.least or {"": LEAST_KILLED_PERCENT}).items():
            percent, of = self.percent(module), module and f" of {module}"
            if percent < least:
                found.append(f"{percent:.1f} % of the mutants{of} were noticed; at least {least} % must be.")
        unclear = [mutant.name for mutant in self.mutants if mutant.verdict is Verdict.UNCLEAR]
        if complete and unclear:
            found.append(f"{len(unclear)} mutants have no verdict, e.g. {unclear[0]}; run again with --again.")
        return found


def _row(name: str, columns: Counter[str]) -> str:
    run = max(columns["mutants"] - columns["unclear"], 1)
    percent = 100 * (columns["killed"] + columns["timeout"]) / run
    return "| " + " | ".join([name, *(str(columns[column]) for column in _COLUMNS), f"{percent:.1f}"]) + " |"
