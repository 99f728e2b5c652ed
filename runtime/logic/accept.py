"""Accepts an order: sends it to the queue, then stores it, then makes the answer."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from runtime.logic import keys
from runtime.logic.canonical import canonical
from runtime.logic.protocols import AcceptedOrders, Logger, OrderSender
from runtime.models.answers import AcceptedOrder
from runtime.models.fields import to_timestamp
from runtime.models.order import OrderMessage, OrderRequest


@dataclass(frozen=True)
class Submission:
    """A valid request for an order: its caller, its key and the order."""

    identity: keys.Identity
    key: str
    document: object
    """The parsed body of the request. The body of a retry is compared with it."""
    order: OrderRequest
    correlation_id: str
    traceparent: str | None

    @cached_property
    def payload(self) -> str:
        """The canonical body. All requests with one key must have the same payload."""
        return canonical(self.document)

    @cached_property
    def request_key(self) -> str:
        """The key under which the answer is stored."""
        return keys.request_key(self.identity, self.key)

    @cached_property
    def order_id(self) -> str:
        """The id of the order, the same on every retry."""
        return keys.order_id(keys.caller_id(self.identity), self.key, self.payload)


@dataclass(frozen=True, slots=True)
class Acceptance:
    """Accepts orders."""

    queue: OrderSender
    orders: AcceptedOrders
    now: Callable[[], datetime]
    logger: Logger

    def accept(self, submission: Submission) -> str:
        """Send the order, store it and return the body of the answer. Every run of one request returns the same bytes.

        A crash after the send leaves a message that will be processed. If the order were stored first, a crash would
        leave an order that nothing processes. Errors of the queue and the table are raised unchanged.
        """
        message = self._message(submission)
        self.queue.send(message)
        self.logger.debug("order sent to the queue", order_id=message.order_id)
        accepted_at = self.orders.upsert_accepted(message)
        return AcceptedOrder(
            order_id=message.order_id, total=message.total, currency=message.currency, accepted_at=accepted_at
        ).model_dump_json()

    def _message(self, submission: Submission) -> OrderMessage:
        return OrderMessage(
            **dict(submission.order),
            order_id=submission.order_id,
            caller=keys.caller_id(submission.identity),
            accepted_at=to_timestamp(self.now()),
            correlation_id=submission.correlation_id,
            total=submission.order.compute_total(),
            traceparent=submission.traceparent,
        )
