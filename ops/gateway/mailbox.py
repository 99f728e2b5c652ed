"""One subscriber's queue: events are put there as the topic would, and nobody else gets them."""

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ops.errors import RefusedError
from ops.gateway.subscribers import PENDING
from ops.logic.filter_policy import check
from runtime.logic.event import Event

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_sqs import SQSClient


@dataclass(frozen=True)
class Mailbox:
    """A subscriber's queue, and how its subscription fills it.

    Attributes:
        raw: The message alone, without SNS's envelope.
        policy: The subscription's filter on message attributes; empty lets all through.
    """

    client: "SQSClient"
    topic: str
    url: str
    raw: bool
    policy: Mapping[str, Any]

    def send(self, events: Sequence[Event], now: str) -> set[str]:
        """Send up to ten events as the topic would; the ids of those that SQS has confirmed."""
        entries: list[Any] = [self._entry(str(index), event, now) for index, event in enumerate(events)]
        answer = self.client.send_message_batch(QueueUrl=self.url, Entries=entries)
        return {events[int(entry["Id"])].event_id for entry in answer.get("Successful", ())}

    def _entry(self, number: str, event: Event, now: str) -> dict[str, Any]:
        ordered = {"MessageGroupId": event.group, "MessageDeduplicationId": event.event_id}
        entry = {"Id": number, **(ordered if self.url.endswith(".fifo") else {})}
        if self.raw:
            typed = {name: {"DataType": "String", "StringValue": value} for name, value in event.attributes.items()}
            return {**entry, "MessageBody": event.document, "MessageAttributes": typed}
        # As SNS writes it, but for its signature, which nobody else can make.
        envelope = {
            "Type": "Notification",
            "MessageId": str(uuid.uuid4()),
            "TopicArn": self.topic,
            "Message": event.document,
            "Timestamp": now,
            "MessageAttributes": {name: {"Type": "String", "Value": value} for name, value in event.attributes.items()},
        }
        return {**entry, "MessageBody": json.dumps(envelope)}


def mailbox(sns: "SNSClient", sqs: "SQSClient", topic: str, name: str) -> Mailbox:
    """The queue of one subscription of a topic, by the queue's name or its end.

    Raises:
        RefusedError: there is none, several, or it is no queue: SNS publishes to all subscribers or to none.
    """
    pages = sns.get_paginator("list_subscriptions_by_topic").paginate(TopicArn=topic)
    queues = {
        one["Endpoint"]: one["SubscriptionArn"]
        for page in pages
        for one in page["Subscriptions"]
        if one["Protocol"] == "sqs" and one["SubscriptionArn"] != PENDING
    }
    names = {arn: arn.rpartition(":")[2] for arn in queues}
    # The queue of a subscription that the program makes is called after it.
    ends = f"-{name}", f"-{name}-queue"
    found = [arn for arn, queue in names.items() if name == queue] or [
        arn for arn, queue in names.items() if queue.removesuffix(".fifo").endswith(ends)
    ]
    if len(found) != 1:
        raise RefusedError(
            f"--to {name}: {len(found)} subscribed queues are called so; there are: "
            f"{', '.join(sorted(names.values())) or 'none'}. "
            "Nothing was sent. Only a queue can be sent to alone: SNS publishes to all subscribers, HTTPS and e-mail "
            "among them (order replay-events ID)."
        )
    attributes = sns.get_subscription_attributes(SubscriptionArn=queues[found[0]])["Attributes"]
    if attributes.get("FilterPolicyScope", "MessageAttributes") != "MessageAttributes":
        raise RefusedError(
            f"--to {name}: its filter is on the message's body, which nobody reads here. Nothing was sent."
        )
    account, queue = found[0].split(":")[4:6]
    url = sqs.get_queue_url(QueueName=queue, QueueOwnerAWSAccountId=account)["QueueUrl"]
    raw = attributes.get("RawMessageDelivery", "false").lower() == "true"
    policy: Mapping[str, Any] = json.loads(attributes.get("FilterPolicy") or "{}")
    check(policy)
    return Mailbox(sqs, topic, url, raw, policy)
