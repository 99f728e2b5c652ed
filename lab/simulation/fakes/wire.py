"""Every simulated call passes here: it is counted, recorded, and may be disturbed by a fault."""

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
    """The process that made the call is gone. Not an ``Exception``, so that no handler survives it."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call to AWS.

    Attributes:
        index: Position among the calls of its process, from 0.
        service: such as ``dynamodb`` or ``sqs``.
        operation: API name, such as ``PutItem``.
        params: The parameters as given.
    """

    index: int
    service: str
    operation: str
    params: Mapping[str, Any]


class Fault(Protocol):
    """Takes the place of a call: may perform it (once, twice, never), then answers, raises, or kills."""

    def __call__(self, call: Call, perform: Perform, /) -> Response: ...


@dataclass(slots=True)
class Process:
    """One run of a function: its calls so far, the faults planned for it, and whether it is still alive.

    Attributes:
        faults: Fault by call index.
        on_call: Chosen for every call without a planned fault; ``None`` lets the call pass.
        calls: What was called, in order, the disturbed ones included.
        killed: Set once; from then on every call of this process raises :class:`ProcessKilled` with no effect.
            ``finally`` blocks still run in Python when a killed process unwinds, and must not reach AWS.
    """

    faults: Mapping[int, Fault] = field(default_factory=dict)
    on_call: Callable[[Call], Fault | None] | None = None
    calls: list[Call] = field(default_factory=list)
    killed: bool = False

    def fault_for(self, call: Call) -> Fault | None:
        """The fault that disturbs ``call``, if any."""
        planned = self.faults.get(call.index)
        if planned is None and self.on_call is not None:
            return self.on_call(call)
        return planned


Hook = Callable[[Call], None]


@dataclass(slots=True)
class Wire:
    """Carries the calls of the running process to the services.

    Attributes:
        before: Called before each call takes effect (a scheduler switches processes here).
        after: Called after each call took effect and before its answer is returned.
        process: The running process. Nested runs (:meth:`run`) put their own in place and give it back.
    """

    before: Hook | None = None
    after: Hook | None = None
    process: Process = field(default_factory=Process)

    def run(self, process: Process, work: Callable[[], T]) -> T:
        """Run ``work`` as ``process``; may be used inside a hook, which interleaves two processes.

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
            ProcessKilled: the process is gone, or this call's fault ends it.
            ClientError: the service refuses, or the fault says so.
        """
        process = self.process
        if process.killed:
            raise ProcessKilled(f"{operation} after the process was killed")
        call = Call(len(process.calls), service, operation, params)
        process.calls.append(call)
        if self.before is not None:
            self.before(call)
            if process.killed:  # by another of its threads, while the hook let that one go on
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
