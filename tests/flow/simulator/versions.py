"""The next version of the program, as far as a deploy matters: it writes schema version 2, and knows 1 and 2.

A worker of today meets its messages as it will meet those of the real next version: as something newer than it knows.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Final
from unittest.mock import patch

from pydantic import Field

from runtime.logic import accept, message
from runtime.models.fields import SCHEMA_VERSION
from runtime.models.order import OrderMessage

NEXT: Final = SCHEMA_VERSION + 1


class NextOrderMessage(OrderMessage):
    """What the next version writes and reads."""

    schema_version: Annotated[int, Field(ge=1, le=NEXT)] = NEXT


@contextmanager
def running(version: int) -> Iterator[None]:
    """Within this context the runtime is of this version. Runs nest: each gives back what it found."""
    if version == SCHEMA_VERSION and not _next_is_running:
        yield
        return
    model = OrderMessage if version == SCHEMA_VERSION else NextOrderMessage
    with (
        patch.object(accept, "OrderMessage", model),
        patch.object(message, "OrderMessage", model),
        patch.object(message, "SCHEMA_VERSION", version),
    ):
        _next_is_running.append(version)
        try:
            yield
        finally:
            _next_is_running.pop()


_next_is_running: Final[list[int]] = []
