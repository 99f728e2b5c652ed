"""Finds the calls by which the roles of bootstrap/template.yaml can reach resources of other stacks."""

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Final

from lab.permissions.iam import Statements, allows
from lab.permissions.provider_calls import Request, requests
from lab.permissions.template import boundary_arn
from lab.recording.recording import PROJECT, read_stack_file, record_config

_EVERY_OPTION: Mapping[str, str] = {
    "encryption": "customer",
    "subscriptions": '["{name: billing, protocol: sqs}"]',
    "domain_name": "orders.example.com",
    "domain_zone_id": "ZOTHER",
    "api_warm_start": "provisioned",
    "gradual_deploy": "Canary10Percent5Minutes",
    "tracing": "true",
    "trace_group": "true",
}
_BY_KIND: Mapping[str, Mapping[str, str]] = {
    "topic and domain": {},
    "bus and firewall": {
        "events_target": "bus",
        "waf": "true",
        "origin_secret": "0123456789abcdef0123456789abcdef",
    },
}
NEIGHBOURS: Final = tuple(_BY_KIND)
_TAGS: Final = ("aws:ResourceTag/", "aws:RequestTag/")


@cache
def neighbour(stack: str, kind: str) -> tuple[Request, ...]:
    """Return the provider's calls that deploy a stack with this name.

    The stack has prod's options, and options that add further types of resources. Some of these
    options exclude each other. So there are two kinds of stack, which together have every type.
    """
    own = {key.partition(":")[2]: value for key, value in read_stack_file("prod").items() if key.startswith(PROJECT)}
    recording = record_config({**own, **_EVERY_OPTION, **_BY_KIND[kind]}, stack)
    return tuple(requests(recording, boundary_arn(stack)))


def reached(
    statements: Statements, stack: str, other: Iterable[Request], *, tagged: bool = True, project: str = PROJECT
) -> Iterator[Request]:
    """Yield the requests in `other` that a role of `stack` may make, whether the resource is new or exists.

    A role could try to take over an existing resource by giving it the tags of the role's own stack. So each request
    for an existing resource contains these tags. If `tagged` is false, the resources of `other` have no tags, like
    resources that a person or another tool created. If `tagged` is true, the tag `Project` of these
    resources has the value `project`.
    """
    sent = {"aws:RequestTag/Project": PROJECT, "aws:RequestTag/Stack": stack}
    for each in other:
        context = {key: value for key, value in each.context.items() if tagged or not key.startswith(_TAGS)}
        if f"{_TAGS[0]}Project" in context:
            context[f"{_TAGS[0]}Project"] = project
        if allows(statements, each.action, each.resource, context if each.makes else {**context, **sent}):
            yield each
