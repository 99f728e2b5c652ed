"""Identifies a request's AWS service and operation, and builds error answers like those of AWS."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import parse_qs

from local.proxy.faults import FaultKind
from local.proxy.gate import Refusal
from local.proxy.wire import Head, Request, Response

_SCOPE = re.compile(r"Credential=[^/]+/\d{8}/[^/]+/([^/]+)/aws4_request")
_RPC_PATH = re.compile(r"/service/[^/]+/operation/([A-Za-z]+)")
_ACTION = re.compile(rb"(?:^|&)Action=([A-Za-z]+)")

# These services answer in XML, all other services here in JSON.
_XML_SERVICES = frozenset({"sns", "iam", "sts"})
# Each service's error for throttling, with its status. Sources: the common errors of each service's API reference.
_THROTTLES = {
    "dynamodb": (400, "ThrottlingException"),
    "sqs": (403, "RequestThrottled"),
    "sns": (429, "Throttled"),
}
_DEFAULT_THROTTLE = (400, "ThrottlingException")
_ERRORS = {"dynamodb": "InternalServerError", "sns": "InternalError", "sqs": "InternalError"}


@dataclass(frozen=True)
class Call:
    """A call: the service's signing name, and the operation (`None` if the protocol does not name it, as in REST)."""

    service: str
    operation: str | None


def identify(request: Request) -> Call | None:
    """Return the AWS call of a request; `None` if the request's headers have no signature."""
    service = _service(request.head)
    return Call(service, _operation(request)) if service else None


def _service(head: Head) -> str | None:
    scope = _SCOPE.search(head.fields.get("authorization", ""))
    return scope[1] if scope else None


def _operation(request: Request) -> str | None:
    target = request.head.fields.get("x-amz-target")
    if target:
        return target.rpartition(".")[2]
    if path_operation := _RPC_PATH.search(request.head.path):
        return path_operation[1]
    if action := _ACTION.search(request.body):
        return action[1].decode()
    return next(iter(parse_qs(request.head.query).get("Action", [])), None)


def refused(head: Head, refusal: Refusal) -> Response:
    """Return the answer to a request that the gate refuses, in the format of the requested service."""
    return _answer(_service(head) or "", HTTPStatus.FORBIDDEN, refusal.code, refusal.message)


def failure(call: Call, kind: FaultKind, request: Request) -> Response:
    """Return the error answer of the call's service for this kind of fault."""
    if kind is FaultKind.CONFLICT:
        return _conflict(request)
    if kind is FaultKind.THROTTLE:
        status, code = _THROTTLES.get(call.service, _DEFAULT_THROTTLE)
        return _answer(call.service, status, code, "Rate exceeded (injected fault)")
    code = _ERRORS.get(call.service, "InternalFailure")
    return _answer(call.service, 500, code, "Internal server error (injected fault)")


def _conflict(request: Request) -> Response:
    """Return DynamoDB's answer for an item that another transaction is using."""
    document = json.loads(request.body or b"{}")
    items: Sequence[object] = document.get("TransactItems", [])
    message = "Transaction is ongoing for the item (injected fault)"
    if not items:
        return _answer("dynamodb", 400, "TransactionConflictException", message)
    # Only the first item conflicts. AWS gives a reason for every item, in the order of the items.
    reasons = [{"Code": "TransactionConflict", "Message": message}, *({"Code": "None"} for _ in items[1:])]
    codes = ", ".join(reason["Code"] for reason in reasons)
    text = f"Transaction cancelled, please refer cancellation reasons for specific reasons [{codes}]"
    return _answer("dynamodb", 400, "TransactionCanceledException", text, {"CancellationReasons": reasons})


def _answer(service: str, status: int, code: str, message: str, more: dict[str, object] | None = None) -> Response:
    if service in _XML_SERVICES:
        side = "Sender" if status < 500 else "Receiver"
        body = (
            f"<ErrorResponse><Error><Type>{side}</Type><Code>{code}</Code><Message>{message}</Message></Error>"
            "<RequestId>local</RequestId></ErrorResponse>"
        )
        media_type = b"text/xml"
    else:
        body = json.dumps({"__type": code, "message": message, "Message": message, **(more or {})})
        # A request that names no service comes from a browser or curl.
        media_type = b"application/x-amz-json-1.0" if service else b"application/json"
    headers = (
        (b"Content-Type", media_type),
        (b"x-amzn-RequestId", b"local"),
        (b"x-amzn-ErrorType", code.encode()),
    )
    return Response(status, headers, body.encode(), HTTPStatus(status).phrase.encode())
