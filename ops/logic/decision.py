"""Decision of a person, with name and reason."""

from dataclasses import dataclass
from typing import Final, Self

from ops.logic.durations import WrongValueError

MOST_CHARACTERS: Final = 500


@dataclass(frozen=True, slots=True)
class Decision:
    """A person's decision. `reason` is for colleagues; callers never see it."""

    by: str
    reason: str

    @classmethod
    def of(cls, by: str, reason: str) -> Self:
        """Create a decision. White space around the two texts is removed.

        Raises:
            WrongValueError: one of them is empty or too long.
        """
        by, reason = by.strip(), reason.strip()
        if not by or not reason or len(by) > MOST_CHARACTERS or len(reason) > MOST_CHARACTERS:
            raise WrongValueError(
                f"--by and --reason: 1 to {MOST_CHARACTERS} characters each; a decision needs a name and a reason."
            )
        return cls(by, reason)
