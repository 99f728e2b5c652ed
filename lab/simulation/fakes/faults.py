"""Faults of calls to AWS. For each fault, this module says to which calls it can happen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError, ReadTimeoutError

from lab.simulation.fakes.errors import client_error
from lab.simulation.fakes.events import refused_entry
from lab.simulation.fakes.wire import Call, Fault, Perform, ProcessKilled, Response

_THROTTLE_CODES = {
    "dynamodb": "ProvisionedThroughputExceededException",
    "sqs": "RequestThrottled",
    "sns": "Throttled",
    "events": "ThrottlingException",
    "logs": "ThrottlingException",
}


def crash_before(call: Call, perform: Perform) -> Response:
    """The process is killed before it sends the call."""
    raise ProcessKilled(f"crash before {call.operation} (call {call.index})")


def crash_after(call: Call, perform: Perform) -> Response:
    """The process is killed after the service did the work."""
    _ignore_refusal(perform)
    raise ProcessKilled(f"crash after {call.operation} (call {call.index})")


def answer_lost_then_retried(call: Call, perform: Perform) -> Response:
    """The service did the work, the answer was lost, and the SDK sent the same request again."""
    _ignore_refusal(perform)
    return perform()


def answer_lost(call: Call, perform: Perform) -> Response:
    """The service did the work, but the call and every retry of the SDK ended with a timeout."""
    _ignore_refusal(perform)
    raise _timeout(call)


def unreachable(call: Call, perform: Perform) -> Response:
    """The service did nothing, and the caller gets a timeout, as it does after :func:`answer_lost`."""
    raise _timeout(call)


def throttled(call: Call, perform: Perform) -> Response:
    """The service throttled the call and every retry of the SDK."""
    raise client_error(call.operation, _THROTTLE_CODES[call.service], "Rate exceeded (injected)")


def server_error(call: Call, perform: Perform) -> Response:
    """The service did nothing and returned a server error, also for every retry of the SDK."""
    raise client_error(call.operation, "InternalServerError", "Internal server error (injected)", http_status=500)


def write_conflict(call: Call, perform: Perform) -> Response:
    """A single write conflicts with a transaction on the same item. botocore does not retry this error."""
    raise client_error(call.operation, "TransactionConflictException", "Transaction is ongoing for the item")


def entry_refused(call: Call, perform: Perform) -> Response:
    """EventBridge accepts the call and refuses its event, so the SDK neither raises nor retries."""
    return refused_entry("InternalFailure")


def deadline(expire: Callable[[], None]) -> Fault:
    """Let the function's deadline pass while the service works, and then kill the process, as Lambda does.

    Args:
        expire: Moves the clock past the deadline.
    """

    def fault(call: Call, perform: Perform) -> Response:
        _ignore_refusal(perform)
        expire()
        raise ProcessKilled(f"deadline passed during {call.operation} (call {call.index})")

    return fault


def arrives_late(late: list[Perform]) -> Fault:
    """Kill the process while the call is on its way. ``late`` gets a function that performs the call later."""

    def fault(call: Call, perform: Perform) -> Response:
        late.append(perform)
        raise ProcessKilled(f"killed while {call.operation} was on its way")

    return fault


def transaction_cancelled(codes: Sequence[str]) -> Fault:
    """Cancel a transaction. Its items get these reason codes in sequence, whatever the items' true state.

    If there are fewer codes than items, the other items get ``None``: AWS's code for an item without a problem.
    """

    def fault(call: Call, perform: Perform) -> Response:
        count = len(call.params["TransactItems"])
        padded = [*codes, *["None"] * (count - len(codes))][:count]
        raise cancellation([{"Code": code, **_reason_text(code)} for code in padded])

    return fault


def cancellation(reasons: Sequence[dict[str, Any]]) -> ClientError:
    """A ``TransactionCanceledException`` with one reason per item."""
    codes = ", ".join(str(reason["Code"]) for reason in reasons)
    message = f"Transaction cancelled, please refer cancellation reasons for specific reasons [{codes}]"
    return client_error(
        "TransactWriteItems",
        "TransactionCanceledException",
        message,
        extra={"Message": message, "CancellationReasons": list(reasons)},
    )


def _reason_text(code: str) -> dict[str, str]:
    texts = {
        "TransactionConflict": "Transaction is ongoing for the item",
        "ConditionalCheckFailed": "The conditional request failed",
        "ThrottlingError": "Throughput exceeds the current capacity of your table or index",
        "ProvisionedThroughputExceeded": "The level of configured provisioned throughput was exceeded",
    }
    return {"Message": texts[code]} if code in texts else {}


def _timeout(call: Call) -> ReadTimeoutError:
    return ReadTimeoutError(endpoint_url=f"https://{call.service}.eu-west-1.amazonaws.com/")


def _ignore_refusal(perform: Perform) -> None:
    """Perform a call, and drop its answer. If the service refuses the call, drop the refusal."""
    try:
        perform()
    except ClientError:
        return


@dataclass(frozen=True, slots=True)
class FaultKind:
    """A named fault, and the calls to which it can happen.

    Attributes:
        name: Name in tables and failing histories.
        fault: The fault itself.
        fits: Whether the fault can happen to a call.
    """

    name: str
    fault: Fault
    fits: Callable[[Call], bool] = lambda _: True


def _is_transaction(call: Call) -> bool:
    return call.operation == "TransactWriteItems"


def _is_single_write(call: Call) -> bool:
    return call.operation in {"PutItem", "UpdateItem", "DeleteItem"}


def _is_long_transaction(call: Call) -> bool:
    return _is_transaction(call) and len(call.params["TransactItems"]) > 1


FAULTS: tuple[FaultKind, ...] = (
    FaultKind("crash before", crash_before),
    FaultKind("crash after", crash_after),
    FaultKind("answer lost, retried", answer_lost_then_retried),
    FaultKind("answer lost", answer_lost),
    FaultKind("unreachable", unreachable),
    FaultKind("throttled", throttled),
    FaultKind("server error", server_error),
    FaultKind("entry refused", entry_refused, lambda call: call.operation == "PutEvents"),
    FaultKind("write conflict", write_conflict, _is_single_write),
    FaultKind("conflict", transaction_cancelled(["TransactionConflict"]), _is_transaction),
    FaultKind("conflict on 2nd", transaction_cancelled(["None", "TransactionConflict"]), _is_long_transaction),
    FaultKind("item throttled", transaction_cancelled(["ThrottlingError"]), _is_transaction),
)
