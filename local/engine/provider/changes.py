"""Decides whether a change of inputs requires no operation, an update in place, or a replacement.

We wrote the table `REPLACED_BY` from the AWS provider's documentation ("forces new resource"). It
has only the resource types of this program. It is complete enough for the tests, but the provider's
own table has more entries.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pulumi.runtime.rpc import UNKNOWN

from local.engine.provider.wire import fingerprint

_EVERYTHING = frozenset({"*"})

# Type → the inputs whose change replaces the resource.
REPLACED_BY: Mapping[str, frozenset[str]] = {
    "aws:acm/certificate:Certificate": frozenset({"domainName", "subjectAlternativeNames", "validationMethod"}),
    "aws:acm/certificateValidation:CertificateValidation": frozenset({"certificateArn", "validationRecordFqdns"}),
    "aws:apigatewayv2/api:Api": frozenset({"protocolType"}),
    "aws:apigatewayv2/apiMapping:ApiMapping": frozenset({"apiId", "domainName"}),
    "aws:apigatewayv2/authorizer:Authorizer": frozenset({"apiId"}),
    "aws:apigatewayv2/domainName:DomainName": frozenset({"domainName"}),
    "aws:apigatewayv2/integration:Integration": frozenset({"apiId", "integrationType", "integrationSubtype"}),
    "aws:apigatewayv2/route:Route": frozenset({"apiId"}),
    "aws:apigatewayv2/stage:Stage": frozenset({"apiId", "name"}),
    "aws:cloudfront/distribution:Distribution": frozenset(),
    "aws:cloudwatch/compositeAlarm:CompositeAlarm": frozenset({"alarmName"}),
    "aws:cloudwatch/dashboard:Dashboard": frozenset({"dashboardName"}),
    "aws:cloudwatch/eventBus:EventBus": frozenset({"name", "eventSourceName"}),
    "aws:cloudwatch/eventRule:EventRule": frozenset({"name", "eventBusName"}),
    "aws:cloudwatch/eventTarget:EventTarget": frozenset({"rule", "eventBusName", "targetId"}),
    "aws:cloudwatch/logGroup:LogGroup": frozenset({"name", "logGroupClass"}),
    "aws:cloudwatch/metricAlarm:MetricAlarm": frozenset({"name"}),
    "aws:codedeploy/application:Application": frozenset({"computePlatform"}),
    "aws:codedeploy/deploymentGroup:DeploymentGroup": frozenset({"appName"}),
    "aws:cognito/resourceServer:ResourceServer": frozenset({"identifier", "userPoolId"}),
    "aws:cognito/userPool:UserPool": frozenset({"name"}),
    "aws:cognito/userPoolClient:UserPoolClient": frozenset({"userPoolId", "generateSecret"}),
    "aws:cognito/userPoolDomain:UserPoolDomain": frozenset({"domain", "userPoolId"}),
    "aws:dynamodb/table:Table": frozenset({"name", "hashKey", "rangeKey", "localSecondaryIndexes"}),
    "aws:iam/role:Role": frozenset({"name", "path"}),
    "aws:iam/rolePolicy:RolePolicy": frozenset({"name", "role"}),
    "aws:kms/alias:Alias": frozenset({"name"}),
    "aws:kms/key:Key": frozenset({"customerMasterKeySpec", "keyUsage", "multiRegion"}),
    "aws:lambda/alias:Alias": frozenset({"name", "functionName"}),
    "aws:lambda/eventSourceMapping:EventSourceMapping": frozenset({"eventSourceArn"}),
    "aws:lambda/function:Function": frozenset({"name", "packageType"}),
    "aws:lambda/permission:Permission": _EVERYTHING,
    "aws:lambda/provisionedConcurrencyConfig:ProvisionedConcurrencyConfig": frozenset({"functionName", "qualifier"}),
    "aws:route53/record:Record": frozenset({"name", "zoneId"}),
    "aws:sns/topic:Topic": frozenset({"name", "fifoTopic"}),
    "aws:sns/topicPolicy:TopicPolicy": frozenset({"arn"}),
    "aws:sns/topicSubscription:TopicSubscription": frozenset({"topic", "protocol", "endpoint"}),
    "aws:sqs/queue:Queue": frozenset({"name", "fifoQueue"}),
    "aws:sqs/queuePolicy:QueuePolicy": frozenset({"queueUrl"}),
    "aws:sqs/redriveAllowPolicy:RedriveAllowPolicy": frozenset({"queueUrl"}),
    "aws:wafv2/webAcl:WebAcl": frozenset({"name", "scope"}),
    "aws:wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration": frozenset({"resourceArn"}),
    "aws:xray/group:Group": frozenset({"groupName"}),
}

# Inputs that set the physical name. If a replacement keeps the name, the old resource must be deleted first.
_NAMES = ("name", "alarmName", "dashboardName", "policyName")

# Outputs that an update may change. A preview shows them as unknown if the function publishes its versions.
_VOLATILE: Mapping[str, tuple[str, ...]] = {
    "aws:lambda/function:Function": ("version", "qualifiedArn", "qualifiedInvokeArn", "codeSha256", "lastModified"),
}


@dataclass(frozen=True)
class Change:
    """Differing inputs, those that force a replacement, and whether a replacement deletes the old resource first."""

    differing: tuple[str, ...]
    replacing: tuple[str, ...]
    delete_first: bool


def change(token: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Change:
    """Return the change from the old inputs to the new ones.

    Raises:
        LookupError: the inputs differ and the table has no line for the type.
    """
    before, after = fingerprint(old), fingerprint(new)
    differing = tuple(key for key in sorted({*before, *after}) if before.get(key) != after.get(key))
    if not differing:
        return Change((), (), delete_first=False)
    if token not in REPLACED_BY:
        message = (
            f"{token}: local/engine/provider/changes.py has no line for this type; "
            "add the inputs whose change replaces the resource"
        )
        raise LookupError(message)
    forcing = REPLACED_BY[token]
    replacing = tuple(key for key in differing if key in forcing or forcing is _EVERYTHING)
    named = [key for key in _NAMES if key in new]
    return Change(differing, replacing, delete_first=bool(named) and not set(named) & set(differing))


def previewed(token: str, outputs: Mapping[str, Any], inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Return the outputs that a preview shows. `outputs` are the outputs before the update, `inputs` the new inputs."""
    volatile = _VOLATILE.get(token, ()) if inputs.get("publish") else ()
    return {**outputs, **inputs, **{key: UNKNOWN for key in volatile if key in outputs}}
