"""Publishes the outcome of an order."""

from typing import TYPE_CHECKING, Final

from runtime.logic.event import Event
from runtime.logic.failures import RetryableError
from runtime.models.fields import from_timestamp
from runtime.store.message_groups import GroupParameters

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_sns import SNSClient

_UNKNOWN: Final = "Unknown"


class EntryRefusedError(RetryableError):
    """EventBridge accepted the call but refused the event in it. boto3 raises no error for this.

    Every error code is retryable. A throttle is temporary, and a deploy repairs a missing
    permission or bus. The event of a settled order is always valid, so a code never means an
    invalid event.
    """

    def __init__(self, code: str) -> None:
        super().__init__(f"PutEvents refused the event: {code}")
        self.code = code


class TopicNotifications:
    """Publishes events to an SNS topic, with message attributes for the filters of subscriptions."""

    def __init__(self, client: "SNSClient", topic_arn: str, *, fifo: bool = False) -> None:
        self._client = client
        self._topic_arn = topic_arn
        self._fifo = fifo

    def publish(self, event: Event) -> None:
        """Publish at least once. After an error of boto3, the event may still have been published."""
        self._client.publish(
            TopicArn=self._topic_arn,
            Message=event.document,
            MessageAttributes={
                name: {"DataType": "String", "StringValue": value} for name, value in event.attributes.items()
            },
            **(self._ordered(event) if self._fifo else {}),
        )

    @staticmethod
    def _ordered(event: Event) -> "GroupParameters":
        # SNS drops an event that is repeated within five minutes. Nothing is lost: SNS has accepted the first copy.
        return {"MessageGroupId": event.group, "MessageDeduplicationId": event.event_id}


class BusNotifications:
    """Publishes events to an EventBridge bus: the CloudEvents document is the entry's `Detail`."""

    def __init__(self, client: "EventBridgeClient", bus_name: str) -> None:
        self._client = client
        self._bus_name = bus_name

    def publish(self, event: Event) -> None:
        """Publish at least once. Raises `EntryRefusedError` (not published) and boto3's errors (maybe published)."""
        answer = self._client.put_events(
            Entries=[
                {
                    "EventBusName": self._bus_name,
                    "Source": event.source,
                    "DetailType": event.event_type,
                    "Detail": event.document,
                    # The time at which the order was settled, as in the document. So each publish sends the same event.
                    "Time": from_timestamp(event.time),
                }
            ]
        )
        if answer["FailedEntryCount"]:
            # EventBridge's error message is not used, because it may quote the event.
            raise EntryRefusedError(
                next((each["ErrorCode"] for each in answer["Entries"] if "ErrorCode" in each), _UNKNOWN)
            )
