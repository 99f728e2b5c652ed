"""Makes Powertools' idempotency use the simulated clock: Powertools has no parameter for a clock."""

from __future__ import annotations

import datetime as real_datetime
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType, SimpleNamespace
from typing import Any
from unittest.mock import patch

from aws_lambda_powertools.utilities.idempotency import base as handler_module
from aws_lambda_powertools.utilities.idempotency.persistence import base, datarecord, dynamodb

from lab.simulation.clock import Clock

_MODULES: tuple[ModuleType, ...] = (handler_module, base, datarecord, dynamodb)


@contextmanager
def powertools_clock(clock: Clock) -> Iterator[None]:
    """Make Powertools' idempotency read its times from ``clock`` in this context.

    Raises:
        AttributeError: a module of Powertools no longer imports ``dt``. Adapt ``powertools.py`` to Powertools.
    """

    class SimulatedDatetime(real_datetime.datetime):
        @classmethod
        def now(cls, tz: real_datetime.tzinfo | None = None) -> Any:
            return real_datetime.datetime.fromtimestamp(clock.time(), tz)

    shim = SimpleNamespace(datetime=SimulatedDatetime, timedelta=real_datetime.timedelta)
    patches = [patch.object(module, "dt", shim) for module in _MODULES]
    for one in patches:
        one.start()
    try:
        yield
    finally:
        for one in patches:
            one.stop()
