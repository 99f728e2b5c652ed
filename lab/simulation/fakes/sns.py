"""The SNS client: records what each subscriber receives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lab.simulation.clock import Clock, Entropy
from lab.simulation.fakes.errors import client_error, only_known
from lab.simulation.fakes.wire import OK, Response, Wire

_PUBLISH = frozenset(
    {"TopicArn", "Message", "Subject", "MessageAttributes", "MessageGroupId", "MessageDeduplicationId"}
)
_FIFO_SUFFIX = ".fifo"
DEDUPLICATION_SECONDS = 300
MAX_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True)
class Notification:
    """One message as a subscriber receives it."""

    message_id: str
    body: str


@dataclass(slots=True)
class Subscription:
    """A subscriber that receives every message."""

    received: list[Notification] = field(default_factory=list)


class FakeSNS:
    """Stands in for ``boto3.client("sns")``."""

    def __init__(self, clock: Clock, entropy: Entropy, wire: Wire) -> None:
        self.clock = clock
        self.entropy = entropy
        self.wire = wire
        self.topics: dict[str, Subscription] = {}
        self.recent: dict[tuple[str, str], float] = {}

    def add_topic(self, arn: str) -> Subscription:
        """Create a topic with one subscriber."""
        self.topics[arn] = Subscription()
        return self.topics[arn]

    def publish(self, **params: Any) -> Response:
        """Publish to a topic."""
        only_known("Publish", params, _PUBLISH)
        return self.wire.carry("sns", "Publish", params, lambda: self._publish(params))

    def _publish(self, params: Mapping[str, Any]) -> Response:
        subscription = self.topics.get(params["TopicArn"])
        if subscription is None:
            raise client_error("Publish", "NotFoundException", "Topic does not exist", http_status=404)
        body: str = params["Message"]
        if not body:
            raise client_error("Publish", "InvalidParameterException", "Invalid parameter: Empty message")
        if len(body.encode()) > MAX_BYTES:
            raise client_error("Publish", "InvalidParameterException", "Invalid parameter: Message too long")
        notification = Notification(self.entropy.uuid(), body)
        if not self._is_repeated(params):
            subscription.received.append(notification)
        return {"MessageId": notification.message_id, "ResponseMetadata": OK}

    def _is_repeated(self, params: Mapping[str, Any]) -> bool:
        """Return whether a FIFO topic accepted a message with this deduplication id in the last five minutes. If so,
        the topic delivers no second message."""
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
