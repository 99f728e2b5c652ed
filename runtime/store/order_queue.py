"""Sends orders to the orders queue."""

from typing import TYPE_CHECKING

from runtime.models.order import OrderMessage
from runtime.store.dependency import calling
from runtime.store.message_groups import in_group

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


class OrderQueue:
    """The queue from which the worker receives."""

    def __init__(self, client: "SQSClient", queue_url: str, *, fifo: bool = False) -> None:
        self._client = client
        self._queue_url = queue_url
        self._fifo = fifo

    def send(self, message: OrderMessage) -> None:
        """Send the whole order.

        Message attributes repeat the order id, the correlation id and the schema version, for
        readers that cannot parse the body.
        Raises `DependencyError`; the message may still have been sent.
        """
        with calling("sqs:SendMessage"):
            self._client.send_message(
                QueueUrl=self._queue_url,
                MessageBody=message.model_dump_json(exclude_none=True),
                MessageAttributes={
                    "order_id": {"DataType": "String", "StringValue": message.order_id},
                    "schema_version": {"DataType": "Number", "StringValue": str(message.schema_version)},
                    "correlation_id": {"DataType": "String", "StringValue": message.correlation_id},
                },
                **in_group(message.caller, message.order_id, fifo=self._fifo),
            )
