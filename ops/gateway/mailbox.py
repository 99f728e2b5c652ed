"""The queue of one subscriber. Sends events to this queue only, in the form that the topic or bus uses."""

import json
import uuid
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final

from ops.errors import RefusedError
from ops.gateway.subscribers import PENDING, targets_of
from ops.logic.filter_policy import check, passes
from runtime.logic.event import Event
from runtime.models.fields import from_timestamp
from runtime.store.message_groups import GroupParameters, in_group

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_sqs import SQSClient

_DOCUMENT: Final = "$.detail"
"""`InputPath` of a target that receives only the event document."""


@dataclass(frozen=True)
class Mailbox(ABC):
    """A subscriber's queue, and the settings of the subscription.

    Attributes:
        origin: ARN of the topic or bus.
        raw: Whether the queue receives only the event document, without the service's envelope.
        pattern: The subscription's filter; empty if all events pass.
        envelope: How the envelope differs from the one that the topic or bus sends.
    """

    envelope: ClassVar[str]
    client: "SQSClient"
    origin: str
    url: str
    raw: bool
    pattern: Mapping[str, Any]

    def accepts(self, event: Event) -> bool:
        """Return whether an event passes the subscription's filter."""
        return passes(self.pattern, self._fields(event))

    def send(self, events: Sequence[Event], now: str) -> set[str]:
        """Send up to ten events in the form of the topic or bus. Return the ids of those that SQS confirmed."""
        entries: list[Any] = [
            {"Id": str(index), **self._group(event), **self._message(event, now)} for index, event in enumerate(events)
        ]
        answer = self.client.send_message_batch(QueueUrl=self.url, Entries=entries)
        return {events[int(entry["Id"])].event_id for entry in answer.get("Successful", ())}

    def _group(self, event: Event) -> GroupParameters:
        # `in_group` creates a new deduplication id for each send. With an unchanged id, SQS would report success, but
        # drop an event that is sent again within five minutes.
        return in_group(event.group, event.event_id, fifo=True) if self.url.endswith(".fifo") else {}

    @abstractmethod
    def _fields(self, event: Event) -> Mapping[str, Any]: ...

    @abstractmethod
    def _message(self, event: Event, now: str) -> dict[str, Any]: ...


class TopicMailbox(Mailbox):
    """Queue of one subscription of a topic."""

    envelope: ClassVar = "The queue gets SNS's envelope without the signature, which only SNS can create."

    def _fields(self, event: Event) -> Mapping[str, Any]:
        return event.attributes

    def _message(self, event: Event, now: str) -> dict[str, Any]:
        if self.raw:
            typed = {name: {"DataType": "String", "StringValue": value} for name, value in event.attributes.items()}
            return {"MessageBody": event.document, "MessageAttributes": typed}
        envelope = {
            "Type": "Notification",
            "MessageId": str(uuid.uuid4()),
            "TopicArn": self.origin,
            "Message": event.document,
            "Timestamp": now,
            "MessageAttributes": {name: {"Type": "String", "Value": value} for name, value in event.attributes.items()},
        }
        return {"MessageBody": json.dumps(envelope)}


class BusMailbox(Mailbox):
    """Queue that is the target of one rule of a bus."""

    envelope: ClassVar = (
        "The queue gets EventBridge's envelope with a new id. The event's own id (detail.id) is unchanged."
    )

    def _fields(self, event: Event) -> Mapping[str, Any]:
        return {**self._envelope(event), "detail": json.loads(event.document)}

    def _message(self, event: Event, now: str) -> dict[str, Any]:
        del now  # The envelope has the event's time.
        if self.raw:
            return {"MessageBody": event.document}
        # The document's bytes are inserted as they are: serialising it again could change a number or a text.
        head = json.dumps(self._envelope(event), separators=(",", ":"))
        return {"MessageBody": f'{head[:-1]},"detail":{event.document}}}'}

    def _envelope(self, event: Event) -> dict[str, Any]:
        region, account = self.origin.split(":")[3:5]
        return {
            "version": "0",
            "id": str(uuid.uuid4()),
            "detail-type": event.event_type,
            "source": event.source,
            "account": account,
            "time": f"{from_timestamp(event.time):%Y-%m-%dT%H:%M:%SZ}",
            "region": region,
            "resources": [],
        }


def topic_mailbox(sns: "SNSClient", sqs: "SQSClient", topic: str, name: str) -> Mailbox:
    """Find the queue of one subscription of a topic, by the queue's name or the end of the name.

    Raises:
        RefusedError: `name` matches no queue or several, or the subscription's filter is not supported here.
    """
    pages = sns.get_paginator("list_subscriptions_by_topic").paginate(TopicArn=topic)
    queues = [
        (one["Endpoint"], one["SubscriptionArn"])
        for page in pages
        for one in page["Subscriptions"]
        if one["Protocol"] == "sqs" and one["SubscriptionArn"] != PENDING
    ]
    arn, subscription = _chosen(queues, name)
    attributes = sns.get_subscription_attributes(SubscriptionArn=subscription)["Attributes"]
    if attributes.get("FilterPolicyScope", "MessageAttributes") != "MessageAttributes":
        raise RefusedError(
            f"--to {name}: the subscription filters by the message's body, which is not supported here. "
            "Nothing was sent."
        )
    raw = attributes.get("RawMessageDelivery", "false").lower() == "true"
    policy: Mapping[str, Any] = json.loads(attributes.get("FilterPolicy") or "{}")
    check(policy)
    return TopicMailbox(sqs, topic, _url(sqs, arn), raw, policy)


def bus_mailbox(events: "EventBridgeClient", sqs: "SQSClient", bus: str, name: str) -> Mailbox:
    """Find a queue by its name or the end of its name, among the targets of the bus's rules.

    Raises:
        RefusedError: `name` matches no queue or several, or the target's transformation or the rule's pattern is not
            supported here.
    """
    found = [(target["Arn"], (rule, target)) for rule, target in targets_of(events, bus) if ":sqs:" in target["Arn"]]
    arn, (rule, target) = _chosen(found, name)
    if "Input" in target or "InputTransformer" in target or target.get("InputPath", _DOCUMENT) != _DOCUMENT:
        raise RefusedError(
            f"--to {name}: the rule's target transforms each event, which is not supported here. Nothing was sent."
        )
    pattern: Mapping[str, Any] = json.loads(rule.get("EventPattern") or "{}")
    check(pattern)
    return BusMailbox(sqs, bus, _url(sqs, arn), "InputPath" in target, pattern)


def _chosen(queues: Sequence[tuple[str, Any]], name: str) -> tuple[str, Any]:
    """Return the ARN of the only queue that `name` matches, and the data of its subscription."""
    names = [(arn.rpartition(":")[2], (arn, more)) for arn, more in queues]
    # If the Pulumi program creates the queue, the queue's name ends in one of these.
    ends = f"-{name}", f"-{name}-queue"
    found = [each for queue, each in names if name == queue] or [
        each for queue, each in names if queue.removesuffix(".fifo").endswith(ends)
    ]
    if len(found) != 1:
        raise RefusedError(
            f"--to {name}: {len(found)} subscribed queues match this name. Subscribed queues: "
            f"{', '.join(sorted(queue for queue, _ in names)) or 'none'}. "
            "Nothing was sent. --to sends only to a queue. To publish to all subscribers: "
            "python -m ops order replay-events ID."
        )
    return found[0]


def _url(sqs: "SQSClient", arn: str) -> str:
    account, queue = arn.split(":")[4:6]
    return sqs.get_queue_url(QueueName=queue, QueueOwnerAWSAccountId=account)["QueueUrl"]
