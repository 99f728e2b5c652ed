"""Carries every simulated call: counts it, records it, and applies its fault if it has one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

T = TypeVar("T")
Response = dict[str, Any]
Perform = Callable[[], Response]
OK: dict[str, Any] = {"HTTPStatusCode": 200, "RetryAttempts": 0, "RequestId": "fake", "HTTPHeaders": {}}
"""The `ResponseMetadata` of every answer."""


class ProcessKilled(BaseException):
    """The process that made the call was killed. Not an ``Exception``, so that no ``except Exception`` catches it."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call to AWS.

    Attributes:
        index: Position among the calls of its process, from 0.
        service: Service name, such as ``dynamodb`` or ``sqs``.
        operation: API name, such as ``PutItem``.
        params: The call's parameters.
    """

    index: int
    service: str
    operation: str
    params: Mapping[str, Any]


class Fault(Protocol):
    """Replaces a call: makes it once, twice or never. Then it returns, raises an error or kills the process."""

    def __call__(self, call: Call, perform: Perform, /) -> Response: ...


@dataclass(slots=True)
class Process:
    """One run of a function.

    Attributes:
        faults: Planned fault by call index.
        on_call: Called for each call without a planned fault; returns a fault, or ``None``.
        calls: All calls in order, including calls with a fault.
        killed: Whether the process was killed. If so, every further call raises :class:`ProcessKilled` and has no
            effect. Python still runs the process's ``finally`` blocks, and their calls must not reach AWS.
    """

    faults: Mapping[int, Fault] = field(default_factory=dict)
    on_call: Callable[[Call], Fault | None] | None = None
    calls: list[Call] = field(default_factory=list)
    killed: bool = False

    def fault_for(self, call: Call) -> Fault | None:
        """Return the fault of ``call``, if any."""
        planned = self.faults.get(call.index)
        if planned is None and self.on_call is not None:
            return self.on_call(call)
        return planned


Hook = Callable[[Call], None]


@dataclass(slots=True)
class Wire:
    """Carries the calls of the running process to the services.

    Attributes:
        before: Called before each call takes effect; an `Interleaver` switches threads here.
        after: Called after each call that raised no error, before its answer is returned.
        process: The running process. A nested :meth:`run` sets its own process, and then restores the previous one.
    """

    before: Hook | None = None
    after: Hook | None = None
    process: Process = field(default_factory=Process)

    def run(self, process: Process, work: Callable[[], T]) -> T:
        """Run ``work`` as ``process``. A hook may call `run` again, and so interleave two processes.

        Raises:
            ProcessKilled: a fault ended the process.
        """
        previous, self.process = self.process, process
        try:
            return work()
        finally:
            self.process = previous

    def carry(self, service: str, operation: str, params: Mapping[str, Any], perform: Perform) -> Response:
        """Make one call on behalf of the running process.

        Raises:
            ProcessKilled: the process was killed earlier, or this call's fault kills it.
            ClientError: the service refuses the call, or the fault raises this error.
        """
        process = self.process
        if process.killed:
            raise ProcessKilled(f"{operation} after the process was killed")
        call = Call(len(process.calls), service, operation, params)
        process.calls.append(call)
        if self.before is not None:
            self.before(call)
            if process.killed:  # a fault in another thread killed the process during the hook
                raise ProcessKilled(f"{operation} while the process was killed")
        fault = process.fault_for(call)
        try:
            response = perform() if fault is None else fault(call, perform)
        except ProcessKilled:
            process.killed = True
            raise
        if self.after is not None:
            self.after(call)
        return response
