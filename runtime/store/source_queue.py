"""The orders queue, as the worker uses it after a receive."""

from typing import TYPE_CHECKING

from runtime.logic.delivery import Delivery

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


class SourceQueue:
    """The queue from which Lambda receives for the worker. Errors of boto3 are raised unchanged."""

    def __init__(self, client: "SQSClient", queue_url: str) -> None:
        self._client = client
        self._queue_url = queue_url

    def hide(self, delivery: Delivery, seconds: int) -> None:
        """Set the visibility timeout, so that the message can be received again after `seconds`; 0: immediately."""
        self._client.change_message_visibility(
            QueueUrl=self._queue_url, ReceiptHandle=delivery.receipt_handle, VisibilityTimeout=seconds
        )

    def delete(self, delivery: Delivery) -> None:
        """Delete the message."""
        self._client.delete_message(QueueUrl=self._queue_url, ReceiptHandle=delivery.receipt_handle)
