"""Publishing the outcome of an order."""

from typing import TYPE_CHECKING, Protocol

from runtime.logic.event import Event
from runtime.store.ordering import Ordered

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient


class Notifications(Protocol):
    """Where events go."""

    def publish(self, event: Event) -> None:
        """Publish at least once. Raises what boto3 raises; it may have been published all the same."""


class TopicNotifications:
    """Events to an SNS topic, with message attributes for the filters of subscriptions."""

    def __init__(self, client: "SNSClient", topic_arn: str, *, fifo: bool = False) -> None:
        self._client = client
        self._topic_arn = topic_arn
        self._fifo = fifo

    def publish(self, event: Event) -> None:
        """Publish at least once. Raises what boto3 raises; it may have been published all the same."""
        attributes = {"event_type": event.event_type, "event_id": event.event_id, "currency": event.currency}
        self._client.publish(
            TopicArn=self._topic_arn,
            Message=event.document,
            MessageAttributes={
                name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()
            },
            **(self._ordered(event) if self._fifo else {}),
        )

    @staticmethod
    def _ordered(event: Event) -> "Ordered":
        # Published again within five minutes it is swallowed, which is right: the first one was delivered or is kept.
        return {"MessageGroupId": event.group, "MessageDeduplicationId": event.event_id}
