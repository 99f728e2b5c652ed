"""Reads sources one after another. A source that cannot be read is recorded; the others are still read."""

from collections.abc import Callable
from typing import TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from ops.errors import NoStackError, OpsError, explain
from ops.status.reading import Unread

T = TypeVar("T")


class Attempts:
    """Reads sources, and records those that cannot be read.

    Attributes:
        unread: The sources that could not be read so far, with the reasons.
    """

    def __init__(self, label: str) -> None:
        self._label = label
        self.unread: list[Unread] = []

    def read(self, what: str, read: Callable[[], T]) -> T | None:
        """Return the result of `read`, or `None` after an AWS error or an `OpsError`; then `unread` has the reason."""
        try:
            return read()
        except (BotoCoreError, ClientError) as error:
            problem = explain(error, self._label)
            self.unread.append(Unread(what, str(problem), gone=isinstance(problem, NoStackError)))
        except OpsError as error:
            self.unread.append(Unread(what, str(error), gone=False, wrong=isinstance(error, NoStackError)))
        return None
