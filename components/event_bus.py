"""An EventBridge bus that routes, with its rules."""

from typing import ClassVar

import pulumi
import pulumi_aws as aws
from pydantic import Field

from components.component import Args, Component, Scope
from components.event_subscription import EventSubscription
from components.iam import Grant, sid
from components.subscription_args import SubscriptionArgs


class EventBusArgs(Args):
    """A bus, whose events its rules take, and who hears of them."""

    source: str = Field(
        min_length=1, max_length=256, description="The `source` of the events; its rules match no other."
    )
    subscriptions: tuple[SubscriptionArgs, ...] = Field(description="Who is told: a rule with its own queue each.")


class EventBus(Component):
    """The bus and its rules. Nobody but roles of this account may put events, by their own policies.

    Outputs: `arn`, `bus_name`, `rule_names` and `subscriber_queue_urls` (of the queues made here), by subscription.
    """

    kind: ClassVar[str] = "EventBus"

    def __init__(self, name: str, scope: Scope, args: EventBusArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, scope, opts)
        bus = aws.cloudwatch.EventBus(
            name,
            # Without a key of ours EventBridge encrypts with one of AWS's own.
            aws.cloudwatch.EventBusArgs(name=scope.name(name), kms_key_identifier=scope.key_arn, tags=scope.tags),
            self.child(),
        )
        self.arn, self.bus_name = bus.arn, bus.name
        subscribed = {
            each.name: EventSubscription(f"{name}-{each.name}", scope, bus.name, args.source, each, self.child())
            for each in args.subscriptions
        }
        self.rule_names = {subscriber: each.rule_name for subscriber, each in subscribed.items()}
        self.subscriber_queue_urls: dict[str, pulumi.Output[str]] = {
            subscriber: each.queue_url for subscriber, each in subscribed.items() if each.queue_url is not None
        }
        self.register_outputs(
            {
                "arn": self.arn,
                "bus_name": self.bus_name,
                "rule_names": self.rule_names,
                "subscriber_queue_urls": self.subscriber_queue_urls,
            }
        )

    def grant_publish(self) -> Grant:
        """Permission to put events."""
        return Grant(sid=sid(self.logical_name), actions=("events:PutEvents",), resources=(self.arn,))
