"""The orders queue, as its consumer handles a delivery."""

from typing import TYPE_CHECKING

from runtime.logic.delivery import Delivery

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


class SourceQueue:
    """The queue that Lambda reads for us. Both calls raise what boto3 raises."""

    def __init__(self, client: "SQSClient", queue_url: str) -> None:
        self._client = client
        self._queue_url = queue_url

    def hide(self, delivery: Delivery, seconds: int) -> None:
        """Let the message come back `seconds` from now; 0 is at once."""
        self._client.change_message_visibility(
            QueueUrl=self._queue_url, ReceiptHandle=delivery.receipt_handle, VisibilityTimeout=seconds
        )

    def delete(self, delivery: Delivery) -> None:
        """Delete the message: it is done."""
        self._client.delete_message(QueueUrl=self._queue_url, ReceiptHandle=delivery.receipt_handle)
