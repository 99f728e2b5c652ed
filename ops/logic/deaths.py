"""Reads the lines that Lambda writes into a function's log when the function dies before it can report an error.

The log format is Text. The wording is that of Lambda or its Python runtime.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

_REQUEST: Final = re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")
_DEATHS: Final[Mapping[str, re.Pattern[str]]] = {
    "Sandbox.Timedout": re.compile(r"Task timed out after [\d.]+ seconds"),
    "Runtime.OutOfMemory": re.compile(r"Runtime\.OutOfMemory"),
    "Runtime.ImportModuleError": re.compile(r"Unable to import module .*"),
    "Runtime.HandlerNotFound": re.compile(r"Runtime\.HandlerNotFound.*|Handler .* missing on module .*"),
    "Runtime.UserCodeSyntaxError": re.compile(r"Runtime\.UserCodeSyntaxError.*|Syntax error in module .*"),
    "Runtime.ExitError": re.compile(r"Runtime exited with error: .*|Runtime exited without providing a reason"),
    "INIT timeout": re.compile(r"INIT_REPORT .*Status: timeout"),
}
_UNCAUGHT: Final = re.compile(r"^\[ERROR\]\s+(?:\S+Z\s+\S+\s+)?([A-Za-z_][\w.]*):")
WORDS: Final = (
    "Task timed out",
    "Runtime exited",
    "Runtime.",
    "Unable to import",
    "Handler",
    "Syntax error in module",
    "Status: timeout",
    "[ERROR]",
)
"""Every line about a death contains one of these words, which serve as the filter in CloudWatch Logs."""


@dataclass(frozen=True, slots=True)
class Death:
    """Death of a function.

    Attributes:
        cause: The cause in Lambda's terms, or the type of an uncaught error.
        text: The platform's text; empty for an uncaught error, whose text may contain anything.
        request_id: Id of the request during which the function died, if the line has it.
    """

    cause: str
    text: str
    request_id: str | None


def death_of(line: str) -> Death | None:
    """Return the death that a log line reports; `None` for any other line."""
    first = line.split("\n", 1)[0].rstrip()
    request = _REQUEST.search(first)
    request_id = request[0] if request else None
    for cause, pattern in _DEATHS.items():
        if found := pattern.search(first):
            return Death(cause, found[0], request_id)
    if uncaught := _UNCAUGHT.match(first):
        return Death(uncaught[1], "", request_id)
    return None
