"""Reads the grants in recorded stacks: the policies of roles, and those of queues, topics and keys."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from lab.recording.recording import PROJECT, STACKS, Recording
from lab.recording.stacks import recorded, recorded_with

CUSTOMER_KEY: Final = "prod+key"
BUS: Final = "prod+bus"
# CUSTOMER_KEY and BUS set these options, whatever their values are in prod's stack file.
_FULL: Final = {
    "orders:gradual_deploy": "Canary10Percent5Minutes",
    "orders:tracing": "true",
    "orders:trace_group": "true",
}
_CHANGES: Final[Mapping[str, Mapping[str, str]]] = {
    CUSTOMER_KEY: {**_FULL, "orders:encryption": "customer"},
    BUS: {
        **_FULL,
        "orders:events_target": "bus",
        "orders:encryption": "customer",
        "orders:subscriptions": '["{name: billing, protocol: sqs}"]',
    },
}
VARIANTS: Final = (*STACKS, *_CHANGES)
"""The stacks with a stack file; prod with a customer managed key; prod with a bus, a subscription and that key."""

_IDENTITY: Final = "aws:iam/rolePolicy:RolePolicy"
_OF_RESOURCES: Final = {
    "aws:sqs/queuePolicy:QueuePolicy": "queue",
    "aws:sns/topicPolicy:TopicPolicy": "topic",
    "aws:kms/key:Key": "key",
}


@dataclass(frozen=True, order=True)
class Allowed:
    """One action that a role may do on one resource. `granted()` uses ARNs, `allowed()` uses short names."""

    role: str
    action: str
    resource: str


@dataclass(frozen=True, order=True)
class Statement:
    """One statement of a resource policy. Its names omit the stack's prefix."""

    resource: str
    effect: str
    actions: tuple[str, ...]
    principal: str
    condition: str


def recording_of(variant: str) -> Recording:
    """Return the recording of one of `VARIANTS`."""
    return recorded_with("prod", _CHANGES[variant]) if variant in _CHANGES else recorded(variant)


def allowed(variant: str) -> frozenset[Allowed]:
    """Return every action that a variant's roles may do. Raises `ValueError` for a Deny statement."""
    return frozenset(Allowed(each.role, each.action, short(variant, each.resource)) for each in granted(variant))


def granted(variant: str) -> Iterator[Allowed]:
    """Yield everything that a variant's roles may do, with whole ARNs."""
    return granted_in(recording_of(variant))


def granted_in(recording: Recording) -> Iterator[Allowed]:
    """Yield everything that the roles of a recorded stack may do, with whole ARNs."""
    for policy in recording.of_type(_IDENTITY):
        for statement in policy.document("policy")["Statement"]:
            if statement["Effect"] != "Allow":
                message = f"{policy.name} has a Deny statement; only Allow statements are supported here"
                raise ValueError(message)
            for action in statement["Action"]:
                for resource in statement["Resource"]:
                    yield Allowed(policy.name.removesuffix("-policy"), action, resource)


def short(variant: str, arn: str) -> str:
    """Return an ARN's name without the stack's prefix: `orders`, `function:create-order:live`, `key`."""
    if arn == "*":
        return arn
    _, _, service, _, _, resource = arn.split(":", 5)
    if service == "kms":
        return "key"
    return resource.removeprefix("table/").replace(f"{_prefix(variant)}-", "")


def stack_of(variant: str) -> str:
    """Return the stack on which a variant is based: `prod` for `prod+key`."""
    return variant.partition("+")[0]


def _prefix(variant: str) -> str:
    return f"{PROJECT}-{stack_of(variant)}"


def statements(variant: str) -> Iterator[Statement]:
    """Yield the statements of all policies of queues, topics and keys."""
    for each in recording_of(variant).resources:
        if each.type in _OF_RESOURCES:
            kind = _OF_RESOURCES[each.type]
            name = each.name if kind == "key" else each.name.removesuffix("-policy")
            for statement in each.document("policy")["Statement"]:
                yield _statement(variant, kind if kind == name else f"{kind} {name}", statement)


def _statement(variant: str, resource: str, statement: Mapping[str, Any]) -> Statement:
    principal = statement["Principal"]
    actions = statement["Action"]
    condition = _condition(statement.get("Condition", {})).replace(_prefix(variant), "{stack}")
    return Statement(
        resource=resource,
        effect=statement["Effect"],
        actions=tuple(sorted([actions] if isinstance(actions, str) else actions)),
        principal=principal if isinstance(principal, str) else ", ".join(map(str, principal.values())),
        condition=condition.replace(recording_of(variant).region, "{region}"),
    )


def _condition(condition: Mapping[str, Mapping[str, Any]]) -> str:
    return "; ".join(
        f"{key} {operator} {', '.join(value) if isinstance(value, list) else value}"
        for operator, each in sorted(condition.items())
        for key, value in sorted(each.items())
    )
