"""Rules on the limits that AWS sets for the names and documents of resources."""

import re
from collections.abc import Iterator, Mapping
from typing import Final

from lab.recording.recording import Recorded, Recording

# For each input that is a resource's name: the greatest length of the name, and the pattern that it must match.
# Source: the API reference of each service. Lambda's limit of 140 characters is for an ARN; a name may have 64.
NAMES: Final[Mapping[tuple[str, str], tuple[int, str]]] = {
    ("aws:apigatewayv2/api:Api", "name"): (128, r".+"),
    ("aws:apigatewayv2/authorizer:Authorizer", "name"): (128, r".+"),
    ("aws:apigatewayv2/stage:Stage", "name"): (128, r"\$default|[A-Za-z0-9_-]+"),
    ("aws:cloudwatch/compositeAlarm:CompositeAlarm", "alarmName"): (255, r"[\x20-\x7e]+"),
    ("aws:cloudwatch/dashboard:Dashboard", "dashboardName"): (255, r"[A-Za-z0-9_-]+"),
    ("aws:cloudwatch/logGroup:LogGroup", "name"): (512, r"[A-Za-z0-9_/.#-]+"),
    ("aws:cloudwatch/metricAlarm:MetricAlarm", "name"): (255, r"[\x20-\x7e]+"),
    ("aws:codedeploy/application:Application", "name"): (100, r"[A-Za-z0-9._+=,@-]+"),
    ("aws:codedeploy/deploymentGroup:DeploymentGroup", "deploymentGroupName"): (100, r"[A-Za-z0-9._+=,@-]+"),
    ("aws:cognito/resourceServer:ResourceServer", "name"): (256, r"[\w\s+=,.@-]+"),
    ("aws:cognito/userPool:UserPool", "name"): (128, r"[\w\s+=,.@-]+"),
    ("aws:cognito/userPoolClient:UserPoolClient", "name"): (128, r"[\w\s+=,.@-]+"),
    ("aws:dynamodb/table:Table", "name"): (255, r"[A-Za-z0-9_.-]{3,}"),
    ("aws:iam/role:Role", "name"): (64, r"[A-Za-z0-9_+=,.@-]+"),
    ("aws:iam/rolePolicy:RolePolicy", "name"): (128, r"[A-Za-z0-9_+=,.@-]+"),
    ("aws:kms/alias:Alias", "name"): (256, r"alias/[A-Za-z0-9/_-]+"),
    ("aws:lambda/alias:Alias", "name"): (128, r"(?!\d+$)[A-Za-z0-9_-]+"),
    ("aws:lambda/function:Function", "name"): (64, r"[A-Za-z0-9_-]+"),
    ("aws:route53/record:Record", "name"): (255, r"[A-Za-z0-9_.*-]+"),
    ("aws:sns/topic:Topic", "displayName"): (100, r"[\x20-\x7e]+"),
    ("aws:sns/topic:Topic", "name"): (256, r"[A-Za-z0-9_-]+(\.fifo)?"),
    ("aws:sqs/queue:Queue", "name"): (80, r"[A-Za-z0-9_-]+(\.fifo)?"),
    ("aws:wafv2/webAcl:WebAcl", "name"): (128, r"[\w-]+"),
    ("aws:xray/group:Group", "groupName"): (32, r"[A-Za-z0-9_-]+"),
    ("aws:cloudwatch/eventBus:EventBus", "name"): (256, r"[/.\-_A-Za-z0-9]+"),
    ("aws:cloudwatch/eventRule:EventRule", "name"): (64, r"[.\-_A-Za-z0-9]+"),
}
# These inputs do not name the resource itself. They name e.g. another resource, a metric or a domain.
_NAMES_OF_OTHERS: Final = frozenset(
    {"functionName", "appName", "deploymentConfigName", "metricName", "domainName", "eventBusName"}
)

# Greatest sizes in bytes. In a role's inline policies AWS does not count white space. Our policies contain no white
# space, so all their bytes count.
DOCUMENTS: Final[Mapping[tuple[str, str], int]] = {
    ("aws:cloudwatch/compositeAlarm:CompositeAlarm", "alarmRule"): 10_240,
    ("aws:cloudwatch/compositeAlarm:CompositeAlarm", "alarmDescription"): 1_024,
    ("aws:cloudwatch/metricAlarm:MetricAlarm", "alarmDescription"): 1_024,
    ("aws:iam/role:Role", "assumeRolePolicy"): 2_048,
    ("aws:iam/rolePolicy:RolePolicy", "policy"): 10_240,
    ("aws:kms/key:Key", "policy"): 32_768,
    ("aws:lambda/function:Function", "description"): 256,
    ("aws:sns/topicPolicy:TopicPolicy", "policy"): 30_720,
    ("aws:sns/topicSubscription:TopicSubscription", "filterPolicy"): 256 * 1_024,
    ("aws:sqs/queuePolicy:QueuePolicy", "policy"): 8_192,
}


def names(recording: Recording) -> Iterator[str]:
    """Yield names that are too long or have characters that AWS refuses, and names without a known limit."""
    for each in recording.resources:
        for key, value in each.inputs.items() if each.custom else ():
            if not _is_name(key):
                continue
            if (each.type, key) not in NAMES:
                yield f"{each.name} ({each.type}): the limit of {key} is not known; add it to provider_limits.NAMES"
            else:
                yield from _name(each, key, str(value))


def _is_name(key: str) -> bool:
    return (key == "name" or key.endswith("Name")) and key not in _NAMES_OF_OTHERS


def _name(resource: Recorded, key: str, value: str) -> Iterator[str]:
    longest, form = NAMES[resource.type, key]
    if len(value) > longest:
        yield (
            f"{resource.name} ({resource.type}): given {key} of {len(value)} characters, {value!r}; allowed: {longest};"
            " shorten the project's or the stack's name"
        )
    if not re.fullmatch(form, value):
        yield f"{resource.name} ({resource.type}): given {key} {value!r}; allowed: {form}"


def documents(recording: Recording) -> Iterator[str]:
    """Yield policies and other texts that are larger than AWS allows, and policies without a known limit."""
    for each in recording.resources:
        for key, value in each.inputs.items() if each.custom else ():
            limit = DOCUMENTS.get((each.type, key))
            if limit is not None and len(str(value).encode()) > limit:
                given = f"{len(str(value).encode())} bytes of {key}"
                yield f"{each.name} ({each.type}): given {given}; allowed: {limit}"
            elif limit is None and key.lower() in {"policy", "assumerolepolicy"}:
                yield f"{each.name} ({each.type}): the limit of {key} is not known; add it to provider_limits.DOCUMENTS"
