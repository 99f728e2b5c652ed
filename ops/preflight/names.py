"""Checks that the names of a new stack are not in use yet, and that the stack's roles can be created.

If a role, table or function exists, AWS refuses to create it and the deployment stops halfway. Existing topics, queues
and alarms may be taken over silently, with their policies and messages.
"""

from collections.abc import Callable, Iterator
from typing import Any, Final

from botocore.exceptions import ClientError

from ops.errors import OpsError
from ops.preflight.finding import Finding, Verdict
from ops.preflight.stack_facts import StackFacts
from ops.target import ROOT
from pipeline.functions import FUNCTIONS

_CHECK: Final = "names"
_SHOWN: Final = 5
# Beginnings of log groups' names. A log group may be left over: Lambda creates it again if its function logs after
# `destroy`.
_LOG_GROUPS: Final = ("/aws/lambda/", "/aws/vendedlogs/", "aws-waf-logs-")
_DOMAIN_ROLE: Final = "AWSServiceRoleForAPIGateway"
_DOMAIN_SERVICE: Final = "ops.apigateway.amazonaws.com"

Lister = Callable[[StackFacts], Iterator[str]]


def names(facts: StackFacts) -> Iterator[Finding]:
    """Yield a finding for each kind of resource.

    After a successful deployment, yield a single finding, because the names belong to the stack's own resources.
    """
    if facts.outputs:
        yield Finding(
            _CHECK, Verdict.OK, f"deployed before: names that begin with {facts.prefix}-… are the stack's own"
        )
        return
    own = _own(facts)
    for kind, lister in _listers(facts).items():
        yield _conflicts(facts, kind, lister, own)


def _own(facts: StackFacts) -> frozenset[str] | None:
    """Names that are in Pulumi's state; `None` if the state could not be read."""
    if facts.outputs is None:
        return None
    try:
        ids = facts.ids()
    except OpsError:
        return None
    # An id is a name, or a URL, an ARN or a path that ends in a name.
    return frozenset(part for each in ids for part in (each, each.rpartition("/")[2], each.rpartition(":")[2]))


def _conflicts(facts: StackFacts, kind: str, lister: Lister, own: frozenset[str] | None) -> Finding:
    others = tuple(f"{facts.settings.project}-{stack}-" for stack in _siblings(facts.settings.stack))
    mine = f"{facts.prefix}-"
    try:
        taken = {name for name in lister(facts) if _starts(name, mine) and not _starts(name, *others)}
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "")
        return Finding(kind, Verdict.UNKNOWN, f"could not read: {error.operation_name} answers {code}")
    found = sorted(taken - (own or frozenset()))
    if not found:
        return Finding(kind, Verdict.OK, f"no conflict with {mine}…")
    shown = ", ".join(found[:_SHOWN]) + (f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else "")
    if own is None:
        text = f"{shown}: in use, perhaps by another stack; this stack's state could not be read"
        return Finding(kind, Verdict.UNKNOWN, text)
    return Finding(
        kind,
        Verdict.ERROR,
        f"already used: {shown}",
        ("delete them if nobody needs them, import them (docs/delivery.md), or give the stack another name",),
    )


def _starts(name: str, *prefixes: str) -> bool:
    bare = next((name.removeprefix(each) for each in _LOG_GROUPS if name.startswith(each)), name)
    return bool(prefixes) and bare.startswith(prefixes)


def _siblings(stack: str) -> list[str]:
    """Return this project's stacks whose names begin with this stack's name. Their resources are no conflict."""
    files = ROOT.glob("Pulumi.*.yaml")
    return [name for file in files if (name := file.stem.removeprefix("Pulumi.")).startswith(f"{stack}-")]


def _listers(facts: StackFacts) -> dict[str, Lister]:
    config = facts.config
    found: dict[str, Lister] = {
        "roles": lambda at: _paged(at, "iam", "list_roles", "Roles", "RoleName"),
        "functions": _functions,
        "tables": lambda at: _paged(at, "dynamodb", "list_tables", "TableNames"),
        "queues": lambda at: (
            url.rpartition("/")[2]
            for url in _paged(at, "sqs", "list_queues", "QueueUrls", QueueNamePrefix=f"{at.prefix}-")
        ),
        "topics": lambda at: (arn.rpartition(":")[2] for arn in _paged(at, "sns", "list_topics", "Topics", "TopicArn")),
        "log groups": _log_groups,
    }
    if config.alarms:
        found["alarms"] = _alarms
    if config.events_target == "bus":
        found["event buses"] = _event_buses
    if config.gradual_deploy != "none":
        found["CodeDeploy applications"] = lambda at: _paged(at, "codedeploy", "list_applications", "applications")
    return found


def _functions(facts: StackFacts) -> Iterator[str]:
    # Each function is read by its name. ListFunctions would return the variables, even secrets, of every function in
    # the account.
    for each in FUNCTIONS:
        name = f"{facts.prefix}-{each.name}"
        try:
            facts.client("lambda").get_function_configuration(FunctionName=name)
        except ClientError as error:
            if error.response["Error"]["Code"] != "ResourceNotFoundException":
                raise
        else:
            yield name


def _paged(facts: StackFacts, service: str, operation: str, items: str, name: str = "", **given: Any) -> Iterator[str]:
    for page in facts.client(service).get_paginator(operation).paginate(**given):
        yield from (item[name] if name else item for item in page.get(items, ()))


def _event_buses(facts: StackFacts) -> Iterator[str]:
    # botocore has no paginator for this operation.
    given = {"NamePrefix": f"{facts.prefix}-"}
    while True:
        page = facts.client("events").list_event_buses(**given)
        yield from (bus["Name"] for bus in page["EventBuses"])
        if not page.get("NextToken"):
            return
        given["NextToken"] = page["NextToken"]


def _log_groups(facts: StackFacts) -> Iterator[str]:
    for kind in _LOG_GROUPS:
        prefix = f"{kind}{facts.prefix}-"
        yield from _paged(facts, "logs", "describe_log_groups", "logGroups", "logGroupName", logGroupNamePrefix=prefix)


def _alarms(facts: StackFacts) -> Iterator[str]:
    for kind, items in (("MetricAlarm", "MetricAlarms"), ("CompositeAlarm", "CompositeAlarms")):
        given: dict[str, Any] = {"AlarmNamePrefix": f"{facts.prefix}-", "AlarmTypes": [kind]}
        yield from _paged(facts, "cloudwatch", "describe_alarms", items, "AlarmName", **given)


def roles(facts: StackFacts) -> Iterator[Finding]:
    """Check the permissions boundary of the stack's roles, and the service-linked role that a custom domain needs."""
    yield _boundary(facts)
    if not facts.config.domain_name:
        yield Finding("service-linked roles", Verdict.OK, "none is needed with these options")
    elif _exists(facts, "get_role", RoleName=_DOMAIN_ROLE):
        yield Finding("service-linked roles", Verdict.OK, f"{_DOMAIN_ROLE} exists")
    else:
        yield Finding(
            "service-linked roles",
            Verdict.WARNING,
            f"AWS creates {_DOMAIN_ROLE} with the account's first domain name. "
            "The deploy role has the permission for this, but another role may lack it",
            (f"aws iam create-service-linked-role --aws-service-name {_DOMAIN_SERVICE}",),
        )


def _boundary(facts: StackFacts) -> Finding:
    check, config = "permissions boundary", facts.config
    if config.permissions_boundary_arn:
        if _exists(facts, "get_policy", PolicyArn=config.permissions_boundary_arn):
            return Finding(check, Verdict.OK, "the policy exists")
        return Finding(
            check,
            Verdict.ERROR,
            f"there is no policy {config.permissions_boundary_arn}: no role could be created",
            ("deploy bootstrap/template.yaml, or correct permissions_boundary_arn",),
        )
    partition = facts.session.get_partition_for_region(facts.session.region_name or "us-east-1")
    arn = f"arn:{partition}:iam::{facts.account()}:policy/pulumi-{facts.prefix}-boundary"
    if not _exists(facts, "get_policy", PolicyArn=arn):
        return Finding(check, Verdict.OK, "permissions_boundary_arn is not set, and the bootstrap created no boundary")
    return Finding(
        check,
        Verdict.WARNING,
        "the bootstrap created a boundary, but the option is not set, so the stack's deploy role cannot create roles",
        (f"pulumi config set permissions_boundary_arn {arn}",),
    )


def _exists(facts: StackFacts, operation: str, **given: str) -> bool:
    try:
        getattr(facts.client("iam"), operation)(**given)
    except ClientError as error:
        if error.response["Error"]["Code"] in ("NoSuchEntity", "NoSuchEntityException"):
            return False
        raise
    return True
