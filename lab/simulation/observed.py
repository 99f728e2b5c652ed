"""A world that runs the functions through their real entry points, and captures their logs and metrics.

It is slower than `simulated`, which writes no logs and metrics. Use it for tests of logs and metrics.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field
from itertools import count
from types import ModuleType, SimpleNamespace
from typing import Any, Final, cast
from unittest.mock import patch

from lab.simulation.fakes.powertools import powertools_clock
from lab.simulation.world import Deployment, World
from runtime.handlers import create_order, get_order, process_order
from runtime.handlers.create_order import CreateOrder
from runtime.handlers.get_order import GetOrder
from runtime.handlers.powertools.batch import BatchRunner
from runtime.observability import logger, metrics

NAMESPACE: Final = "orders-test"
_invocations = count(1)


@dataclass
class Output:
    """Output of the functions: one JSON object per line."""

    stream: io.StringIO = field(default_factory=io.StringIO)

    @property
    def text(self) -> str:
        """The whole output as text."""
        return self.stream.getvalue()

    @property
    def lines(self) -> list[dict[str, Any]]:
        """The log lines."""
        return [document for document in self._documents() if "_aws" not in document]

    @property
    def metrics(self) -> list[dict[str, Any]]:
        """The documents in embedded metric format, which CloudWatch turns into metrics."""
        return [document for document in self._documents() if "_aws" in document]

    def _documents(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.text.splitlines()]


class ObservedWorld(World):
    """A world that calls each function's `handler`, as Lambda does. `World` calls the object behind
    the handler."""

    def _creator(self) -> CreateOrder:
        inner = super()._creator()
        return cast("CreateOrder", SimpleNamespace(handle=_entry(create_order, "_endpoint", "api", inner)))

    def _reader(self) -> GetOrder:
        inner = super()._reader()
        return cast("GetOrder", SimpleNamespace(handle=_entry(get_order, "_endpoint", "api", inner)))

    def _worker(self) -> BatchRunner:
        inner = super()._worker()
        return cast("BatchRunner", SimpleNamespace(run=_entry(process_order, "worker", "worker", inner)))


def _entry(module: ModuleType, made_by: str, service: str, inner: object) -> Callable[[Any, Any], Any]:
    """Return a function that calls the module's handler as in a new process. During the call, the module's function
    `made_by` is replaced by one that returns `inner`."""

    def invoke(event: Any, context: Any) -> Any:
        full = SimpleNamespace(
            function_name=module.__name__,
            memory_limit_in_mb=1024,
            invoked_function_arn=f"arn:aws:lambda:us-east-1:000000000000:function:{module.__name__}",
            aws_request_id=f"invocation-{next(_invocations)}",
            get_remaining_time_in_millis=context.get_remaining_time_in_millis,
        )
        with patch.object(module, made_by, lambda: inner), _service(service):
            return module.handler(event, full)

    return invoke


@contextmanager
def _service(name: str) -> Iterator[None]:
    """Set the service and namespace that a process reads from POWERTOOLS_SERVICE_NAME and
    POWERTOOLS_METRICS_NAMESPACE."""
    provider = metrics.provider
    default_keys = logger._default_log_keys
    with (
        patch.object(provider, "service", name),
        patch.object(provider, "namespace", NAMESPACE),
        patch.dict(default_keys, service=name),
    ):
        yield


@contextmanager
def observed(level: str = "INFO", deployment: Deployment | None = None) -> Iterator[tuple[ObservedWorld, Output]]:
    """Yield a new world and the output of its functions at this log level."""
    world, output = ObservedWorld(seed=11, deployment=deployment or Deployment()), Output()
    before, handler = logger.log_level, logger.registered_handler
    stream = handler.setStream(output.stream)  # type: ignore[attr-defined] # Powertools types it as a plain Handler
    logger.setLevel(level)
    try:
        with powertools_clock(world.cloud.clock), redirect_stdout(output.stream):
            yield world, output
    finally:
        logger.setLevel(before)
        handler.setStream(stream)  # type: ignore[attr-defined] # as above
        logger.clear_state()
        metrics.provider.clear_metrics()
