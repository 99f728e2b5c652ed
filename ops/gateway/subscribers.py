"""Subscribers to the events of settled orders, and the number of messages in a queue."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from ops.gateway.queues import depth_of

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_sqs import SQSClient

PENDING: Final = "PendingConfirmation"
"""SNS returns this instead of an ARN if a subscription is not confirmed."""


@dataclass(frozen=True, slots=True)
class Subscriber:
    """One subscription.

    Attributes:
        name: Name of the queue, or of the function and its alias. Addresses are not kept: every email
            subscription has the same name, the text `an email address`.
        rule: Name of the bus's rule; `None` for a subscription to a topic.
        confirmed: For a topic: whether the subscription is confirmed. For a bus: whether the rule is enabled.
        dead_letters: ARN of the subscription's dead-letter queue; `None` if it has none, or if it is an unconfirmed
            subscription to a topic.
    """

    name: str
    rule: str | None
    confirmed: bool
    dead_letters: str | None


def of_topic(client: "SNSClient", topic: str) -> list[Subscriber]:
    """The topic's subscriptions."""
    pages = client.get_paginator("list_subscriptions_by_topic").paginate(TopicArn=topic)
    return [_subscription(client, one) for page in pages for one in page["Subscriptions"]]


def of_bus(client: "EventBridgeClient", bus: str) -> list[Subscriber]:
    """The targets of the bus's rules."""
    return [
        Subscriber(
            _name(target["Arn"]),
            rule["Name"],
            rule.get("State") != "DISABLED",
            target.get("DeadLetterConfig", {}).get("Arn"),
        )
        for rule, target in targets_of(client, bus)
    ]


def targets_of(client: "EventBridgeClient", bus: str) -> Iterator[tuple[Any, Any]]:
    """Yield each rule with each of its targets, as EventBridge returns them."""
    # The emulator accepts only a bus's name; AWS accepts its ARN as well.
    name = bus.rpartition("/")[2]
    for page in client.get_paginator("list_rules").paginate(EventBusName=name):
        for rule in page["Rules"]:
            pages = client.get_paginator("list_targets_by_rule").paginate(Rule=rule["Name"], EventBusName=name)
            yield from ((rule, target) for page in pages for target in page["Targets"])


def waiting(client: "SQSClient", queue_arn: str) -> int:
    """Return the number of messages in a queue, including hidden ones."""
    account, name = queue_arn.split(":")[4:6]
    url = client.get_queue_url(QueueName=name, QueueOwnerAWSAccountId=account)["QueueUrl"]
    depth = depth_of(client, url)
    return depth.visible + depth.hidden


def _name(arn: str) -> str:
    parts = arn.split(":")
    # A function's ARN ends with `function:NAME` or `function:NAME:ALIAS`. A queue's ARN ends with the queue's name.
    return ":".join(parts[6:] or parts[5:])


def _subscription(client: "SNSClient", one: Any) -> Subscriber:
    protocol, endpoint = one["Protocol"], one["Endpoint"]
    name = _name(endpoint) if endpoint.startswith("arn:") else f"an {protocol} address"
    if one["SubscriptionArn"] == PENDING:
        return Subscriber(name, None, confirmed=False, dead_letters=None)
    attributes = client.get_subscription_attributes(SubscriptionArn=one["SubscriptionArn"])["Attributes"]
    policy = json.loads(attributes.get("RedrivePolicy") or "{}")
    return Subscriber(name, None, confirmed=True, dead_letters=policy.get("deadLetterTargetArn"))
