"""Rules on access: policies name exact actions and exact resources, and are not open to everybody."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from policy.model import UNKNOWN, Resource, Rule

IDENTITY_POLICIES: Final = frozenset(
    {"aws:iam/rolePolicy:RolePolicy", "aws:iam/policy:Policy", "aws:iam/userPolicy:UserPolicy"}
)
RESOURCE_POLICIES: Final = frozenset({"aws:sqs/queuePolicy:QueuePolicy", "aws:sns/topicPolicy:TopicPolicy"})

# Actions for which AWS does not allow a narrower resource than `*`.
# X-Ray: its put actions have no resource types (Service Authorization Reference, "Actions, resources, and condition
# keys for AWS X-Ray"). DescribeAlarms: it needs `*` to return composite alarms (CloudWatch API Reference), and
# CodeDeploy asks for metric alarms and composite alarms.
NOT_NARROWABLE: Final = frozenset({"cloudwatch:DescribeAlarms", "xray:PutTraceSegments", "xray:PutTelemetryRecords"})


def statements(resource: Resource, effect: str = "Allow") -> Iterator[Mapping[str, Any]]:
    """Return the statements with this effect; no statement if the resource's policy is missing or not known yet."""
    policy = resource.props.get("policy")
    if policy is UNKNOWN or policy is None:
        return
    document = json.loads(policy) if isinstance(policy, str) else policy
    found = document["Statement"]
    yield from (each for each in ([found] if isinstance(found, Mapping) else found) if each["Effect"] == effect)


def as_list(value: Any) -> list[Any]:
    """Return a list, because IAM allows a single value instead of a list with one item."""
    return list(value) if isinstance(value, list | tuple) else [value]


def _wildcard_actions(resource: Resource) -> Iterator[str]:
    for statement in statements(resource):
        if "NotAction" in statement:
            yield "NotAction allows everything it does not name; name the actions that are needed"
        for action in as_list(statement.get("Action", [])):
            if "*" in action:
                yield f"the action {action!r} has a wildcard; name the actions that are needed"


def _wildcard_resources(resource: Resource) -> Iterator[str]:
    for statement in statements(resource):
        everywhere = "NotResource" in statement or "*" in as_list(statement.get("Resource", []))
        narrowable = sorted(set(as_list(statement.get("Action", []))) - NOT_NARROWABLE)
        if everywhere and narrowable:
            yield f"{narrowable} are allowed on every resource; name the ARNs"


def _for_everybody(resource: Resource) -> Iterator[str]:
    for statement in statements(resource):
        principal = statement.get("Principal")
        names = principal.values() if isinstance(principal, Mapping) else [principal]
        if any("*" in as_list(name) for name in names) and not statement.get("Condition"):
            yield f"statement {statement.get('Sid', '(unnamed)')!r} allows everybody; name the service or account"


ACCESS_RULES: Final = (
    Rule(
        name="no-wildcard-actions",
        description="Policies name the actions they allow.",
        level="mandatory",
        types=IDENTITY_POLICIES | RESOURCE_POLICIES,
        check=_wildcard_actions,
    ),
    Rule(
        name="no-wildcard-resources",
        description="Policies name the resources on which they allow actions, unless AWS requires `*`.",
        level="mandatory",
        types=IDENTITY_POLICIES | RESOURCE_POLICIES,
        check=_wildcard_resources,
    ),
    Rule(
        name="no-public-resource-policies",
        description="No queue or topic is open to everybody.",
        level="mandatory",
        types=RESOURCE_POLICIES,
        check=_for_everybody,
    ),
)
