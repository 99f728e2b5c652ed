"""The SNS client: records what each subscriber gets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.flow.clock import Clock, Entropy
from tests.flow.fakes.errors import EXCEPTIONS, ExceptionsNamespace, UnsupportedByFakeError, client_error, only_known
from tests.flow.fakes.wire import Response, Wire

_PUBLISH = frozenset(
    {"TopicArn", "Message", "Subject", "MessageAttributes", "MessageGroupId", "MessageDeduplicationId"}
)
_FIFO_SUFFIX = ".fifo"
DEDUPLICATION_SECONDS = 300
MAX_BYTES = 256 * 1024
_OK: dict[str, Any] = {"HTTPStatusCode": 200, "RetryAttempts": 0, "RequestId": "fake", "HTTPHeaders": {}}


@dataclass(frozen=True, slots=True)
class Notification:
    """One message as a subscriber gets it."""

    message_id: str
    body: str
    subject: str | None
    attributes: Mapping[str, Mapping[str, Any]]
    published_at: float


@dataclass(slots=True)
class Subscription:
    """A subscriber and its filter policy over message attributes: texts, ``prefix``, ``anything-but``, ``exists``."""

    filter_policy: Mapping[str, list[Any]] = field(default_factory=dict)
    received: list[Notification] = field(default_factory=list)

    def wants(self, notification: Notification) -> bool:
        """Whether the policy lets the notification through: every key must match, by any of its values."""
        return all(
            any(_matches(rule, notification.attributes.get(name)) for rule in rules)
            for name, rules in self.filter_policy.items()
        )


def _matches(rule: Any, attribute: Mapping[str, Any] | None) -> bool:
    value = None if attribute is None else attribute.get("StringValue")
    if isinstance(rule, str):
        return value == rule
    match rule:
        case {"exists": bool() as wanted}:
            return (value is not None) is wanted
        case {"prefix": str() as prefix}:
            return value is not None and value.startswith(prefix)
        case {"anything-but": list() as excluded}:
            return value is not None and value not in excluded
    raise UnsupportedByFakeError(f"Filter rule {rule!r} is not modelled: use a text, exists, prefix or anything-but.")


class FakeSNS:
    """Stands in for ``boto3.client("sns")``."""

    exceptions: ExceptionsNamespace = EXCEPTIONS

    def __init__(self, clock: Clock, entropy: Entropy, wire: Wire) -> None:
        self.clock = clock
        self.entropy = entropy
        self.wire = wire
        self.topics: dict[str, list[Subscription]] = {}
        self.recent: dict[tuple[str, str], float] = {}

    def add_topic(self, arn: str) -> Subscription:
        """Create a topic with one subscriber that gets everything."""
        self.topics[arn] = []
        return self.subscribe_to(arn)

    def subscribe_to(self, arn: str, filter_policy: Mapping[str, list[Any]] | None = None) -> Subscription:
        """Add a subscriber."""
        subscription = Subscription(filter_policy or {})
        self.topics[arn].append(subscription)
        return subscription

    def publish(self, **params: Any) -> Response:
        """Publish to a topic."""
        only_known("Publish", params, _PUBLISH)
        return self.wire.carry("sns", "Publish", params, lambda: self._publish(params))

    def _publish(self, params: Mapping[str, Any]) -> Response:
        subscriptions = self.topics.get(params["TopicArn"])
        if subscriptions is None:
            raise client_error("Publish", "NotFoundException", "Topic does not exist", http_status=404)
        body: str = params["Message"]
        if not body:
            raise client_error("Publish", "InvalidParameterException", "Invalid parameter: Empty message")
        if len(body.encode()) > MAX_BYTES:
            raise client_error("Publish", "InvalidParameterException", "Invalid parameter: Message too long")
        notification = Notification(
            self.entropy.uuid(), body, params.get("Subject"), params.get("MessageAttributes", {}), self.clock.time()
        )
        if not self._is_repeated(params):
            for subscription in subscriptions:
                if subscription.wants(notification):
                    subscription.received.append(notification)
        return {"MessageId": notification.message_id, "ResponseMetadata": _OK}

    def _is_repeated(self, params: Mapping[str, Any]) -> bool:
        """Whether a FIFO topic takes it for one that it has delivered, and answers as if."""
        topic = params["TopicArn"]
        group, deduplication_id = params.get("MessageGroupId"), params.get("MessageDeduplicationId")
        if not topic.endswith(_FIFO_SUFFIX):
            if deduplication_id is not None:
                raise client_error("Publish", "InvalidParameter", "Invalid parameter: MessageDeduplicationId")
            return False
        if group is None or deduplication_id is None:
            raise client_error("Publish", "InvalidParameter", "Invalid parameter: MessageGroupId")
        now = self.clock.time()
        before = self.recent.get((topic, deduplication_id))
        if before is not None and now - before < DEDUPLICATION_SECONDS:
            return True
        self.recent[topic, deduplication_id] = now
        return False
