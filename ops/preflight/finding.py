"""Result of one check before a deployment."""

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """Verdict of a check. `UNKNOWN` means that something could not be read."""

    OK = "ok"
    WARNING = "warning"
    ERROR = "error"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Finding:
    """Result of one check.

    Attributes:
        check: Name of the check.
        found: What the check found.
        todo: Commands or sentences that say what to do, in order; empty if there is nothing to do.
    """

    check: str
    verdict: Verdict
    found: str
    todo: tuple[str, ...] = ()
