"""Verdict on a run: the guarantees from what the AWS APIs say at rest, and the numbers that tell how rough it was."""

from collections import defaultdict
from collections.abc import Mapping, Sequence, Set
from dataclasses import asdict, dataclass
from typing import Any

from local.demo.account import DeadLetter
from local.demo.audit import Evidence, audit
from ops.audit.judge import Finding
from ops.load.clients import Asked

SETTLED = frozenset({"CONFIRMED", "REJECTED"})


Numbers = Mapping[str, float]
"""What happened in one run, by name (`scenario.counted`)."""


@dataclass(frozen=True)
class Verdict:
    """The numbers, and what speaks against the guarantees or against the run itself."""

    numbers: Numbers
    findings: Sequence[Finding]
    weak: Sequence[str]
    """What did not happen and should have: such a run would prove less than it says."""

    @property
    def ok(self) -> bool:
        """Return whether every guarantee held in a run that was as rough as promised."""
        held = all(finding.ok for finding in self.findings)
        return held and not self.weak and self.numbers["lost"] == self.numbers["doubled"] == 0

    @property
    def problems(self) -> list[str]:
        """Everything that is wrong, one line each."""
        broken = [f"{finding.name}: {text}" for finding in self.findings for text in finding.violations]
        return [*broken, *self.weak]

    def document(self) -> dict[str, Any]:
        """For programs."""
        findings = [asdict(finding) | {"ok": finding.ok} for finding in self.findings]
        return {"ok": self.ok, "numbers": dict(self.numbers), "guarantees": findings, "weak": list(self.weak)}

    def text(self) -> str:
        """For people."""
        numbers = [f"{name.replace('_', ' '):<24} {value:>8}" for name, value in self.numbers.items()]
        findings = [
            f"{'holds ' if finding.ok else 'BROKEN'} {finding.name} {finding.promise}: {finding.counted}"
            for finding in self.findings
        ]
        return "\n".join([*numbers, "", *findings, *(f"! {problem}" for problem in self.problems)]) + "\n"


def findings(evidence: Evidence, dead: Set[str]) -> list[Finding]:
    """The guarantees at rest; of G6 what data show. `dead`: messages that were in the dead-letter queue on the way."""
    return [exact_receives(evidence, dead, each) if each.name == "G4" else each for each in audit(evidence)]


def exact_receives(evidence: Evidence, dead: Set[str], counted: Finding) -> Finding:
    """G4, for dead letters that are gone by now too: none of them was processed."""
    processed = {each.message_id for each in evidence.receives if each.outcome == "processed"}
    violations = [f"message {message_id} was processed and dead-lettered" for message_id in sorted(dead & processed)]
    return counted.along_with(f"{len(dead)} dead letters on the way", violations)


def redelivered(evidence: Evidence) -> int:
    """Receives beyond the first of each message, those that a killed worker kept quiet about included."""
    return sum(max(found) - 1 for found in _attempts(evidence).values())


def cut_short(evidence: Evidence) -> int:
    """Receives that no worker reported although a later one of the same message was."""
    return sum(max(found) - len(set(found)) for found in _attempts(evidence).values())


def messages(evidence: Evidence) -> int:
    """Different messages that were received."""
    return len(_attempts(evidence))


def innocent(evidence: Evidence, letters: Sequence[DeadLetter], poison: str) -> int:
    """Dead letters of orders that do not want `poison`."""
    guilty = {order_id for order_id, row in evidence.orders.items() if poison in {line["sku"] for line in row["lines"]}}
    return sum(letter.order_id not in guilty for letter in letters)


def lost(evidence: Evidence, told: Mapping[Asked, Set[str]], wanted: int) -> int:
    """Orders answered 202 (says the API, or a client) that are not settled, and wishes that never got an answer."""
    promised = {each.order_id for each in evidence.acceptances}.union(*told.values())
    settled = {order_id for order_id, row in evidence.orders.items() if row["status"] in SETTLED}
    return len((promised | evidence.orders.keys()) - settled) + wanted - len(told)


def doubled(evidence: Evidence, wanted: int) -> int:
    """Orders beyond one for each caller's key, and units of stock moved without, or not with, a confirmed order."""
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
