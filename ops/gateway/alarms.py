"""Reads the stack's alarms and their receivers."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from ops.gateway.subscribers import PENDING
from runtime.logic.clock import Clock

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_sns import SNSClient

TIERS: Final = ("page", "notify", "ticket")
_MEMBER: Final = re.compile(r'"([^"]+)"')
_RUNBOOK: Final = re.compile(r"Runbook: (\S+)")


@dataclass(frozen=True, slots=True)
class Alarm:
    """One alarm.

    Attributes:
        state: OK, ALARM or INSUFFICIENT_DATA.
        since: When the alarm entered that state.
        tier: Tier of the topic that the alarm notifies, directly or through its composite alarm.
        notifies: Whether the alarm notifies a topic directly.
        muted: Whether the alarm's actions are turned off. Always false if `notifies` is false.
    """

    name: str
    title: str
    runbook: str | None
    state: str
    since: datetime
    tier: str
    notifies: bool
    muted: bool

    @property
    def order(self) -> tuple[int, bool, datetime]:
        """Sort key, the most urgent first: by tier, then alarms that notify directly, then the oldest."""
        return TIERS.index(self.tier), not self.notifies, self.since


@dataclass(frozen=True, slots=True)
class Receiver:
    """A subscription to a topic. Only its protocol is kept, because its endpoint can be a person's address."""

    topic: str
    protocol: str
    confirmed: bool


def alarms_of(client: "CloudWatchClient", prefix: str, topics: Mapping[str, str]) -> list[Alarm]:
    """Return a stack's alarms.

    These are the alarms that notify one of `topics` (ARN by tier). If such an alarm is a composite alarm, its members
    are returned too. Names do not identify a stack's alarms: alarms of a stack `local-eu` also have the prefix of a
    stack `local`.
    """
    pages: Any = client.get_paginator("describe_alarms").paginate(
        AlarmNamePrefix=f"{prefix}-", AlarmTypes=["MetricAlarm", "CompositeAlarm"]
    )
    found: dict[str, Any] = {
        one["AlarmName"]: one
        for page in pages
        for kind in ("CompositeAlarms", "MetricAlarms")
        for one in page.get(kind, ())
    }
    tiers = {arn: tier for tier, arn in topics.items() if tier in TIERS}
    notifying = {name: tier for name, one in found.items() if (tier := _tier(one, tiers))}
    members = {
        member: tier
        for name, tier in notifying.items()
        for member in _MEMBER.findall(found[name].get("AlarmRule", ""))
        if member in found
    }
    own = {**members, **notifying}
    alarms = [_alarm(found[name], tier, notifies=name in notifying) for name, tier in own.items()]
    return sorted(alarms, key=lambda alarm: alarm.order)


def receivers_of(client: "SNSClient", topics: Iterable[str]) -> list[Receiver]:
    """Return the subscriptions to topics."""
    pages = ((arn, client.get_paginator("list_subscriptions_by_topic").paginate(TopicArn=arn)) for arn in topics)
    return [
        Receiver(arn, one["Protocol"], confirmed=one["SubscriptionArn"] != PENDING)
        for arn, of_topic in pages
        for page in of_topic
        for one in page["Subscriptions"]
    ]


def send_test_page(client: "SNSClient", topic: str, prefix: str, clock: Clock) -> list[str]:
    """Publish two test messages, as CloudWatch does for an alarm that is raised and ends. Return their ids.

    The second message closes the incident that a pager opened for the first.
    """
    account, region = topic.split(":")[4], topic.split(":")[3]
    name = f"TEST-{prefix}-page"
    published = []
    for before, after in (("OK", "ALARM"), ("ALARM", "OK")):
        message = {
            "AlarmName": name,
            "AlarmDescription": "TEST: somebody checks whether pages arrive. Nothing is wrong.",
            "AWSAccountId": account,
            "Region": region,
            "OldStateValue": before,
            "NewStateValue": after,
            "NewStateReason": "TEST: python -m ops page --test",
            "StateChangeTime": datetime.fromtimestamp(clock.time(), UTC).isoformat(timespec="milliseconds"),
        }
        answer = client.publish(TopicArn=topic, Subject=f'{after}: "{name}"'[:100], Message=json.dumps(message))
        published.append(answer["MessageId"])
    return published


def _tier(alarm: Any, tiers: Mapping[str, str]) -> str | None:
    return next((tiers[arn] for arn in alarm.get("AlarmActions", ()) if arn in tiers), None)


def _alarm(one: Any, tier: str, *, notifies: bool) -> Alarm:
    description = one.get("AlarmDescription", "")
    link = _RUNBOOK.search(description)
    return Alarm(
        name=one["AlarmName"],
        title=description.partition("] ")[2].partition(".")[0],
        runbook=link[1] if link else None,
        state=one["StateValue"],
        since=one.get("StateTransitionedTimestamp") or one["StateUpdatedTimestamp"],
        tier=tier,
        notifies=notifies,
        muted=notifies and not one.get("ActionsEnabled", True),
    )
