"""Durations for people: `15m`, `2h`, `3d`."""

import re
from typing import Final

from ops.errors import ExitCode, OpsError

_UNITS: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
# No option needs more than ten years. Longer durations are refused: the time `999999d` ago is before
# the year 1, so `datetime` cannot represent it.
_MOST_SECONDS: Final = 3_650 * 86_400


class WrongValueError(OpsError):
    """A value on the command line that is not allowed."""

    exit_code = ExitCode.USAGE


def parse_duration(text: str) -> int:
    """Convert a duration such as `90s`, `15m`, `2h` or `3d` to seconds.

    Raises:
        WrongValueError: the text is not a duration, or longer than ten years.
    """
    match = re.fullmatch(r"([0-9]{1,6})([smhd])", text)
    if match is None:
        raise WrongValueError(f"{text!r} is not a duration; allowed: up to six digits, then s, m, h or d, such as 15m.")
    seconds = int(match[1]) * _UNITS[match[2]]
    if seconds > _MOST_SECONDS:
        raise WrongValueError(f"{text!r} is too long; allowed: up to {show_duration(_MOST_SECONDS)}.")
    return seconds


def show_duration(seconds: float) -> str:
    """Format a duration with its largest unit and the next one: `2d 3h`, `15m 0s`, `7s`."""
    rest = max(0, int(seconds))
    parts: list[str] = []
    for unit in ("d", "h", "m", "s"):
        count, rest = divmod(rest, _UNITS[unit])
        if count or parts or unit == "s":
            parts.append(f"{count}{unit}")
    return " ".join(parts[:2])
