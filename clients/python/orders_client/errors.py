"""Errors of the client."""

from collections.abc import Mapping
from typing import Any

from orders_client.answers import Order
from orders_client.submission import Submission


class OrdersError(Exception):
    """Base class of the client's errors."""


class ProblemError(OrdersError):
    """The request was refused. Sending the same request again cannot help.

    `status` is the HTTP status. `document` is the problem document (RFC 9457). `type` is the value of
    the document's member `type`. A problem keeps its `type` in later releases. If API Gateway or
    CloudFront refused the request, `document` is their JSON, or empty, and `type` is empty.
    """

    def __init__(self, status: int, document: Mapping[str, Any]) -> None:
        self.status, self.document = status, document
        self.type = str(document.get("type", ""))
        reason = document.get("detail") or document.get("title") or document.get("message") or "no reason given"
        errors = document.get("errors")
        super().__init__(f"{status}: {reason}" + (f" {errors}" if errors else ""))


class TokenRefusedError(OrdersError):
    """The token issuer refused to issue a token. If an earlier try sent the order, it may have been placed."""

    def __init__(self, status: int) -> None:
        super().__init__(f"The token issuer answered {status}: check client id, secret and scope.")


class OutcomeUnknownError(OrdersError):
    """Neither an acceptance nor a refusal came in time.

    The API may have accepted the order: submit the same `submission` again.
    """

    def __init__(self, submission: Submission, last: str) -> None:
        self.submission = submission
        super().__init__(
            f"The outcome of key {submission.key} is unknown (last result: {last}). Submit the same order again."
        )


class NotFinalError(OrdersError):
    """No answer with a final status came in time. `order` is the last known state or `None`. Ask again."""

    def __init__(self, order_id: str, order: Order | None, last: str) -> None:
        self.order = order
        result = order.status if order else last
        super().__init__(f"No final status of order {order_id} came in time (last result: {result}). Ask again.")
