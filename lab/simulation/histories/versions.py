"""The next version of the program, as far as a deploy matters: it writes the next schema version, and knows both.

A worker of today meets its messages as it will meet those of the real next version: as something newer than it knows.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Final

from pydantic import Field

from runtime.logic import accept, message
from runtime.models.fields import OLDEST_SCHEMA_VERSION, SCHEMA_VERSION
from runtime.models.order import OrderMessage

NEXT: Final = SCHEMA_VERSION + 1
VERSIONS: Final = (SCHEMA_VERSION, NEXT)


class NextOrderMessage(OrderMessage):
    """Message that the next version writes and reads."""

    schema_version: Annotated[int, Field(ge=OLDEST_SCHEMA_VERSION, le=NEXT)] = NEXT


@contextmanager
def running(version: int) -> Iterator[None]:
    """Within this context the runtime is of this version. Runs nest: each gives back what it found."""
    before = _running.pop()
    _become(version, before)
    try:
        yield
    finally:
        _become(before, _running.pop())


def _become(version: int, current: int) -> None:
    _running.append(version)
    if version == current:
        return
    model = OrderMessage if version == SCHEMA_VERSION else NextOrderMessage
    # Not `patch`: this happens at every other run, and is to cost nothing.
    vars(accept)["OrderMessage"] = vars(message)["OrderMessage"] = model
    vars(message)["SCHEMA_VERSION"] = version


_running: Final = [SCHEMA_VERSION]
