"""One subscriber of an event bus: a rule, its target, and the queue of failed deliveries."""

import json
from typing import ClassVar

import pulumi
import pulumi_aws as aws
from pydantic import Field

from components.component import Args, Component, Scope
from components.subscriber_queues import subscriber_queues
from components.subscription_args import SubscriptionArgs

# EventBridge's maximum values. An event that is still not delivered after this time, or after this number of retries,
# goes to the queue of failed deliveries.
MAX_EVENT_AGE_SECONDS = 86_400
MAX_RETRIES = 185
# The part of an event that is the published document; the rest is EventBridge's envelope.
DOCUMENT_PATH = "$.detail"


class EventSubscriptionArgs(Args):
    """The bus, and one subscriber of its events."""

    bus_name: pulumi.Output[str] = Field(description="The bus.")
    source: str = Field(description="The `source` that the rule matches, unless the pattern has another `source`.")
    subscriber: SubscriptionArgs = Field(description="The subscriber and its event pattern.")
    protect: bool = Field(
        default=False, description="Makes Pulumi refuse a plan that deletes or replaces the subscriber's queues."
    )


class EventSubscription(Component):
    """The rule and its target queue, with the queue of failed deliveries.

    Outputs: `rule_name`, `dead_letter_url`, `queue_url` (`None` if the component did not create the queue).
    """

    kind: ClassVar[str] = "EventSubscription"

    def __init__(
        self,
        name: str,
        scope: Scope,
        args: EventSubscriptionArgs,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__(name, scope, opts)
        subscriber = args.subscriber
        rule = aws.cloudwatch.EventRule(
            name,
            aws.cloudwatch.EventRuleArgs(
                name=scope.name(name),
                event_bus_name=args.bus_name,
                # A rule needs a pattern. The source excludes events that other programs may put on the bus.
                event_pattern=json.dumps({"source": [args.source], **subscriber.event_pattern}, sort_keys=True),
                tags=scope.tags,
            ),
            self.child(),
        )
        queues = subscriber_queues(
            name,
            scope,
            self.child(),
            sender="events.amazonaws.com",
            source_arn=rule.arn,
            makes_queue=subscriber.makes_queue,
            protect=args.protect,
        )
        aws.cloudwatch.EventTarget(
            f"{name}-target",
            aws.cloudwatch.EventTargetArgs(
                rule=rule.name,
                event_bus_name=args.bus_name,
                target_id="queue",
                arn=queues.own.arn if queues.own else subscriber.endpoint,
                input_path=DOCUMENT_PATH if subscriber.raw_message_delivery else None,
                retry_policy=aws.cloudwatch.EventTargetRetryPolicyArgs(
                    maximum_event_age_in_seconds=MAX_EVENT_AGE_SECONDS, maximum_retry_attempts=MAX_RETRIES
                ),
                dead_letter_config=aws.cloudwatch.EventTargetDeadLetterConfigArgs(arn=queues.failed.arn),
            ),
            self.child(depends_on=queues.policies),
        )
        self.rule_name = rule.name
        self.queue_url = queues.own.id if queues.own else None
        self.dead_letter_url = queues.failed.id
        self.register_outputs(
            {"rule_name": self.rule_name, "queue_url": self.queue_url, "dead_letter_url": self.dead_letter_url}
        )
