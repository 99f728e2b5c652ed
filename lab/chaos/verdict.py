"""Judges a run: did the guarantees hold, and were there enough disturbances?

The evidence comes from the AWS APIs.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence, Set
from dataclasses import asdict, dataclass
from typing import Any

from local.demo.account import DeadLetter
from local.demo.audit import Evidence, audit
from ops.audit.judge import Finding
from ops.load.clients import CallerKey

SETTLED = frozenset({"CONFIRMED", "REJECTED"})


Numbers = Mapping[str, float]
"""The numbers of one run by name (`scenario.counted`)."""


@dataclass(frozen=True)
class Verdict:
    """The numbers, the findings about the guarantees, and the weaknesses of the run itself."""

    numbers: Numbers
    findings: Sequence[Finding]
    weak: Sequence[str]
    """Situations that the run should have had, but did not have. Without them the run proves too little."""

    @property
    def ok(self) -> bool:
        """Return whether every guarantee held and the run had all situations that it should have had."""
        held = all(finding.ok for finding in self.findings)
        return held and not self.weak and self.numbers["lost"] == self.numbers["doubled"] == 0

    @property
    def problems(self) -> list[str]:
        """Return the violations of the guarantees and the weaknesses of the run, one line each."""
        broken = [f"{finding.name}: {text}" for finding in self.findings for text in finding.violations]
        return [*broken, *self.weak]

    def document(self) -> dict[str, Any]:
        """Return the verdict for `--json`."""
        findings = [asdict(finding) | {"ok": finding.ok} for finding in self.findings]
        return {"ok": self.ok, "numbers": dict(self.numbers), "guarantees": findings, "weak": list(self.weak)}

    def text(self) -> str:
        """Return the verdict as text."""
        numbers = [f"{name.replace('_', ' '):<24} {value:>8}" for name, value in self.numbers.items()]
        findings = [
            f"{'holds ' if finding.ok else 'BROKEN'} {finding.name} {finding.promise}: {finding.counted}"
            for finding in self.findings
        ]
        return "\n".join([*numbers, "", *findings, *(f"! {problem}" for problem in self.problems)]) + "\n"


def findings(evidence: Evidence, dead: Set[str]) -> list[Finding]:
    """Return the finding of each guarantee. `dead`: ids of the dead letters before the redrive.

    The finding of G6 (isolation) covers only tables and dead letters. `callers.isolation` checks the API's answers.
    """
    return [add_dead_letter_check(evidence, dead, each) if each.name == "G4" else each for each in audit(evidence)]


def add_dead_letter_check(evidence: Evidence, dead: Set[str], counted: Finding) -> Finding:
    """Add to G4 the check that no message in `dead` was processed.

    A redriven message may be processed: it has a new id, which is not in `dead`.
    """
    processed = {each.message_id for each in evidence.receives if each.outcome == "processed"}
    violations = [f"message {message_id} was processed and dead-lettered" for message_id in sorted(dead & processed)]
    return counted.along_with(f"{len(dead)} dead letters before the redrive", violations)


def redelivered(evidence: Evidence) -> int:
    """Return the number of receives beyond the first of each message, including those of killed workers."""
    return sum(max(found) - 1 for found in _attempts(evidence).values())


def cut_short(evidence: Evidence) -> int:
    """Count the receives without a logged outcome, if a later receive of the same message was logged."""
    return sum(max(found) - len(set(found)) for found in _attempts(evidence).values())


def messages(evidence: Evidence) -> int:
    """Return the number of distinct messages that were received."""
    return len(_attempts(evidence))


def unexpectedly_dead(evidence: Evidence, letters: Sequence[DeadLetter], poison: str) -> int:
    """Return the number of dead letters whose orders do not contain `poison`."""
    poisoned = {
        order_id for order_id, row in evidence.orders.items() if poison in {line["sku"] for line in row["lines"]}
    }
    return sum(letter.order_id not in poisoned for letter in letters)


def lost(evidence: Evidence, answered: Mapping[CallerKey, Set[str]], wanted: int) -> int:
    """Return how many orders were accepted (202) or stored but not settled, plus how many planned orders got no 202."""
    promised = {each.order_id for each in evidence.acceptances}.union(*answered.values())
    settled = {order_id for order_id, row in evidence.orders.items() if row["status"] in SETTLED}
    return len((promised | evidence.orders.keys()) - settled) + wanted - len(answered)


def doubled(evidence: Evidence, wanted: int) -> int:
    """Return how many more orders are stored than `wanted`, plus the wrong units of all articles.

    Wrong units are, for each article, the difference between the units that left the stock and the
    units of confirmed orders.
    """
    taken: dict[str, int] = defaultdict(int)
    for row in evidence.orders.values():
        for line in row["lines"] if row["status"] == "CONFIRMED" else ():
            taken[line["sku"]] += int(line["quantity"])
    moved = {sku: int(row["opening"]) - int(row["available"]) for sku, row in evidence.stock.items()}
    return max(0, len(evidence.orders) - wanted) + sum(abs(moved[sku] - taken[sku]) for sku in moved)


def _attempts(evidence: Evidence) -> dict[str, list[int]]:
    found: dict[str, list[int]] = defaultdict(list)
    for receive in evidence.receives:
        found[receive.message_id].append(receive.attempt)
    return found
