"""Rules on queues, topics and buses: no silent loss, encryption at rest, TLS only."""

from collections.abc import Iterator
from typing import Final

from policy.model import UNKNOWN, Resource, Rule, Violation, of_type
from policy.rules.access import statements
from policy.rules.alarms import ALARMS

QUEUE: Final = "aws:sqs/queue:Queue"
TOPIC: Final = "aws:sns/topic:Topic"
SUBSCRIPTION: Final = "aws:sns/topicSubscription:TopicSubscription"
TARGET: Final = "aws:cloudwatch/eventTarget:EventTarget"
BUS: Final = "aws:cloudwatch/eventBus:EventBus"
_POLICY_OF: Final = {
    QUEUE: ("aws:sqs/queuePolicy:QueuePolicy", "queueUrl"),
    TOPIC: ("aws:sns/topicPolicy:TopicPolicy", "arn"),
}


def _has_dead_letter_queue(resources: list[Resource]) -> Iterator[Violation]:
    senders, targets = of_type(resources, QUEUE, SUBSCRIPTION), of_type(resources, TARGET, BUS)
    for queue in of_type(resources, QUEUE):
        is_one = any(sender.refers_to("redrivePolicy", queue) for sender in senders) or any(
            target.refers_to("deadLetterConfig", queue) for target in targets
        )
        if not is_one and not queue.props.get("redrivePolicy"):
            yield Violation(
                queue,
                "it has no dead-letter queue, and is no dead-letter queue itself; set redrivePolicy, so that poison "
                "messages leave it",
            )


def _subscription_has_dead_letter_queue(resource: Resource) -> Iterator[str]:
    # A dead letter for an e-mail address has no use, because no redrive can send it again.
    if resource.props.get("protocol") not in {"email", "email-json"} and not resource.props.get("redrivePolicy"):
        yield "messages that SNS cannot deliver are lost; set redrivePolicy"


def _target_has_dead_letter_queue(resource: Resource) -> Iterator[str]:
    if not resource.props.get("deadLetterConfig"):
        yield "events that EventBridge cannot deliver within a day are lost; set deadLetterConfig"


def _bus_has_dead_letter_queue(resource: Resource) -> Iterator[str]:
    # With an AWS owned key, EventBridge never uses the bus's dead-letter queue.
    if resource.props.get("kmsKeyIdentifier") and not resource.props.get("deadLetterConfig"):
        yield "events that EventBridge cannot encrypt or decrypt are lost silently; set deadLetterConfig"


def _queue_is_encrypted(resource: Resource) -> Iterator[str]:
    if not resource.props.get("sqsManagedSseEnabled") and not resource.props.get("kmsMasterKeyId"):
        yield "its messages are not encrypted at rest; set sqsManagedSseEnabled or kmsMasterKeyId"


def _topic_is_encrypted(resources: list[Resource]) -> Iterator[Violation]:
    alarms = of_type(resources, *ALARMS)
    for topic in of_type(resources, TOPIC):
        # CloudWatch cannot publish to a topic with AWS's own key. So an alarm topic has a customer managed key or no
        # key. Both are allowed, because alarms contain no data of orders.
        of_alarms = any(alarm.refers_to("alarmActions", topic) for alarm in alarms)
        if not of_alarms and not topic.props.get("kmsMasterKeyId"):
            yield Violation(topic, "its messages are not encrypted at rest; set kmsMasterKeyId")


def _by_tls_only(resources: list[Resource]) -> Iterator[Violation]:
    for kind, (policy_type, link) in _POLICY_OF.items():
        policies = of_type(resources, policy_type)
        for resource in of_type(resources, kind):
            own = [policy for policy in policies if policy.refers_to(link, resource)]
            if not any(_denies_plain_http(policy) for policy in own):
                yield Violation(
                    resource,
                    "it accepts calls without TLS; its policy must deny calls with aws:SecureTransport false",
                )


def _denies_plain_http(policy: Resource) -> bool:
    return policy.props.get("policy") is UNKNOWN or any(
        str(statement.get("Condition", {}).get("Bool", {}).get("aws:SecureTransport")).lower() == "false"
        for statement in statements(policy, "Deny")
    )


MESSAGING_RULES: Final = (
    Rule(
        name="queues-have-a-dead-letter-queue",
        description="Every queue has a dead-letter queue or is one.",
        level="mandatory",
        types=frozenset({QUEUE}),
        check_stack=_has_dead_letter_queue,
    ),
    Rule(
        name="subscriptions-have-a-dead-letter-queue",
        description="Messages that SNS cannot deliver are kept, except those to e-mail addresses.",
        level="mandatory",
        types=frozenset({SUBSCRIPTION}),
        check=_subscription_has_dead_letter_queue,
    ),
    Rule(
        name="event-targets-have-a-dead-letter-queue",
        description="Events that EventBridge cannot deliver are kept.",
        level="mandatory",
        types=frozenset({TARGET}),
        check=_target_has_dead_letter_queue,
    ),
    Rule(
        name="encrypted-event-buses-have-a-dead-letter-queue",
        description="Events that EventBridge cannot encrypt or decrypt with a customer managed key are kept.",
        level="mandatory",
        types=frozenset({BUS}),
        check=_bus_has_dead_letter_queue,
    ),
    Rule(
        name="queues-are-encrypted",
        description="Every queue encrypts its messages at rest.",
        level="mandatory",
        types=frozenset({QUEUE}),
        check=_queue_is_encrypted,
    ),
    Rule(
        name="topics-are-encrypted",
        description="Every topic, except the alarms' topics, encrypts its messages at rest.",
        level="mandatory",
        types=frozenset({TOPIC}),
        check_stack=_topic_is_encrypted,
    ),
    Rule(
        name="queues-and-topics-take-tls-only",
        description="Every queue and topic refuses calls without TLS.",
        level="mandatory",
        types=frozenset(_POLICY_OF),
        check_stack=_by_tls_only,
    ),
)
