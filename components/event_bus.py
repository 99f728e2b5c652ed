"""An EventBridge bus with its rules."""

from typing import ClassVar

import pulumi
import pulumi_aws as aws
from pydantic import Field

from components.component import Args, Component, Scope
from components.event_subscription import EventSubscription, EventSubscriptionArgs
from components.iam import Grant, allow_service, sid
from components.queue import encrypted_queue, queue_policy
from components.subscription_args import SubscriptionArgs

# SQS's maximum. It leaves time to repair the bus's encryption key, and then to send the events again.
DEAD_LETTER_RETENTION_SECONDS = 1_209_600


class EventBusArgs(Args):
    """Settings of a bus: the source of its events and its subscriptions."""

    source: str = Field(
        min_length=1,
        max_length=256,
        description="The `source` of the events. A rule matches this source unless its pattern has another `source`.",
    )
    subscriptions: tuple[SubscriptionArgs, ...] = Field(
        description="The subscribers; each has a rule and a target queue."
    )
    protect: bool = Field(
        default=False, description="Makes Pulumi refuse a plan that deletes or replaces the bus or its queues."
    )


class EventBus(Component):
    """The bus and its rules. Only this account's users and roles can put events, if their IAM policies allow it.

    With a customer managed key, the bus has a dead-letter queue. It keeps the events that EventBridge cannot encrypt or
    decrypt, which would otherwise be lost.

    Outputs: `arn`, `bus_name`, `dead_letter_name` (`None` without a customer managed key), `rule_names` (by
    subscription), `subscriber_queue_urls` (of the queues that this component creates, by subscription).
    """

    kind: ClassVar[str] = "EventBus"

    def __init__(self, name: str, scope: Scope, args: EventBusArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, scope, opts)
        dead = self._dead_letter_queue(f"{name}-dlq", args.protect)
        bus = aws.cloudwatch.EventBus(
            name,
            aws.cloudwatch.EventBusArgs(
                name=scope.name(name),
                # Without a customer managed key, EventBridge encrypts with a key of AWS.
                kms_key_identifier=scope.key_arn,
                dead_letter_config=aws.cloudwatch.EventBusDeadLetterConfigArgs(arn=dead.arn) if dead else None,
                tags=scope.tags,
            ),
            self.child(protect=args.protect),
        )
        if dead:
            self._allow_bus(dead, bus.arn)
        self.arn, self.bus_name = bus.arn, bus.name
        self.dead_letter_name = dead.name if dead else None
        subscribed = {
            each.name: EventSubscription(
                f"{name}-{each.name}",
                scope,
                EventSubscriptionArgs(bus_name=bus.name, source=args.source, subscriber=each, protect=args.protect),
                self.child(),
            )
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
                "dead_letter_name": self.dead_letter_name,
                "rule_names": self.rule_names,
                "subscriber_queue_urls": self.subscriber_queue_urls,
            }
        )

    def _dead_letter_queue(self, name: str, protect: bool) -> aws.sqs.Queue | None:
        # EventBridge uses this queue only for errors of a customer managed key. Without such a key, the queue would
        # stay empty.
        if self.scope.key_arn is None:
            return None
        opts = self.child(protect=protect)
        # This queue is not encrypted with the bus's key, because it must accept messages while that key is broken.
        return encrypted_queue(name, self.scope.without_key(), opts, retention_seconds=DEAD_LETTER_RETENTION_SECONDS)

    def _allow_bus(self, dead: aws.sqs.Queue, bus_arn: pulumi.Output[str]) -> None:
        statement = allow_service("events.amazonaws.com", "sqs:SendMessage", dead.arn, bus_arn)
        queue_policy(f"{self.logical_name}-dlq-policy", self.scope, dead, [statement], self.child())

    def grant_publish(self) -> Grant:
        """Return the permission to put events."""
        return Grant(sid=sid(self.logical_name), actions=("events:PutEvents",), resources=(self.arn,))
