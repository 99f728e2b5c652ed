"""Simulates the program's next version, which writes the next schema version and reads both versions.

Today's worker cannot process a message of the next version, because the message is too new: each
attempt fails, and SQS delivers the message again until its receives are used up. A real change of
the schema will have the same effect.
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
    """Order message of the next version."""

    schema_version: Annotated[int, Field(ge=OLDEST_SCHEMA_VERSION, le=NEXT)] = NEXT


@contextmanager
def running(version: int) -> Iterator[None]:
    """Make the runtime behave as this version within the ``with`` block. Blocks may be nested:
    the end of a block restores the version from before the block."""
    before = _running.pop()
    _switch(version, before)
    try:
        yield
    finally:
        _switch(before, _running.pop())


def _switch(version: int, current: int) -> None:
    _running.append(version)
    if version == current:
        return
    model = OrderMessage if version == SCHEMA_VERSION else NextOrderMessage
    # `patch` would be slow, and many runs change the version.
    vars(accept)["OrderMessage"] = vars(message)["OrderMessage"] = model
    vars(message)["SCHEMA_VERSION"] = version


_running: Final = [SCHEMA_VERSION]
