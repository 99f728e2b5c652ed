"""Answer to one question before a deployment."""

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """Verdict on a question. `UNKNOWN` is never good news: nobody could look."""

    OK = "ok"
    WARNING = "warning"
    ERROR = "error"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Finding:
    """One answer.

    Attributes:
        check: What was asked.
        found: What is there.
        todo: Commands or sentences, in order; none where nothing is to be done.
    """

    check: str
    verdict: Verdict
    found: str
    todo: tuple[str, ...] = ()
