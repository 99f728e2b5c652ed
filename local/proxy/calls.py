"""Which AWS call a request is, and what AWS would answer when it fails."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import parse_qs

from local.proxy.faults import FaultKind
from local.proxy.wire import Message

_SCOPE = re.compile(r"Credential=[^/]+/\d{8}/[^/]+/([^/]+)/aws4_request")
_RPC_PATH = re.compile(r"/service/[^/]+/operation/([A-Za-z]+)")
_ACTION = re.compile(rb"(?:^|&)Action=([A-Za-z]+)")

# SNS and IAM still answer in XML; all other services here in JSON.
_XML_SERVICES = frozenset({"sns", "iam", "sts"})
# What a service calls throttling, with its status. Sources: the common errors of each service's API reference.
_THROTTLES = {
    "dynamodb": (400, "ThrottlingException"),
    "sqs": (403, "RequestThrottled"),
    "sns": (429, "Throttled"),
}
_DEFAULT_THROTTLE = (400, "ThrottlingException")
_ERRORS = {"dynamodb": "InternalServerError", "sns": "InternalError", "sqs": "InternalError"}


@dataclass(frozen=True)
class Call:
    """A call by signing name and operation; `None` where the protocol does not name it (REST)."""

    service: str
    operation: str | None


def identify(request: Message) -> Call | None:
    """The AWS call that a request is; `None` when it is not signed."""
    scope = _SCOPE.search(request.headers.get("authorization", ""))
    return Call(scope[1], _operation(request)) if scope else None


def _operation(request: Message) -> str | None:
    target = request.headers.get("x-amz-target")
    if target:
        return target.rpartition(".")[2]
    path, _, query = request.start[1].partition("?")
    if path_operation := _RPC_PATH.search(path):
        return path_operation[1]
    if action := _ACTION.search(request.body):
        return action[1].decode()
    return next(iter(parse_qs(query).get("Action", [])), None)


def failure(call: Call, kind: FaultKind, request: Message) -> bytes:
    """The whole HTTP answer of a service that refuses `call`."""
    if kind is FaultKind.CONFLICT:
        return _conflict(request)
    if kind is FaultKind.THROTTLE:
        status, code = _THROTTLES.get(call.service, _DEFAULT_THROTTLE)
        return _answer(call.service, status, code, "Rate exceeded (injected fault)")
    code = _ERRORS.get(call.service, "InternalFailure")
    return _answer(call.service, 500, code, "Internal server error (injected fault)")


def _conflict(request: Message) -> bytes:
    """DynamoDB: another transaction works on one of the items."""
    document = json.loads(request.body or b"{}")
    items: Sequence[object] = document.get("TransactItems", [])
    message = "Transaction is ongoing for the item (injected fault)"
    if not items:
        return _answer("dynamodb", 400, "TransactionConflictException", message)
    # Only one item conflicts, as is usual; AWS names a reason for every item in order.
    reasons = [{"Code": "TransactionConflict", "Message": message}, *({"Code": "None"} for _ in items[1:])]
    codes = ", ".join(reason["Code"] for reason in reasons)
    text = f"Transaction cancelled, please refer cancellation reasons for specific reasons [{codes}]"
    return _answer("dynamodb", 400, "TransactionCanceledException", text, {"CancellationReasons": reasons})


def _answer(service: str, status: int, code: str, message: str, more: dict[str, object] | None = None) -> bytes:
    if service in _XML_SERVICES:
        side = "Sender" if status < 500 else "Receiver"
        body = (
            f"<ErrorResponse><Error><Type>{side}</Type><Code>{code}</Code><Message>{message}</Message></Error>"
            "<RequestId>injected</RequestId></ErrorResponse>"
        )
        media_type = "text/xml"
    else:
        body = json.dumps({"__type": code, "message": message, "Message": message, **(more or {})})
        media_type = "application/x-amz-json-1.0"
    head = (
        f"HTTP/1.1 {status} Injected\r\nContent-Type: {media_type}\r\nContent-Length: {len(body.encode())}\r\n"
        f"x-amzn-RequestId: injected\r\nx-amzn-ErrorType: {code}\r\n\r\n"
    )
    return (head + body).encode()
