"""Resource types that are accepted and do nothing here: the emulator has no such service, or nothing could show it.

They get an id, an ARN and their inputs back, so that what refers to them resolves.
"""

from collections.abc import Mapping
from typing import Any

from local.services.aws import Aws
from local.services.base import Created

# Type → why it is inert. docs/embedded-aws.md shows this list.
INERT: Mapping[str, str] = {
    "aws:acm/certificate:Certificate": "there is no TLS and no DNS to validate it by",
    "aws:acm/certificateValidation:CertificateValidation": "there is no TLS and no DNS to validate it by",
    "aws:budgets/budget:Budget": "nothing here costs anything",
    "aws:cloudfront/cachePolicy:CachePolicy": "there is no edge in front of the local API",
    "aws:cloudfront/distribution:Distribution": "there is no edge in front of the local API",
    "aws:cloudfront/originRequestPolicy:OriginRequestPolicy": "there is no edge in front of the local API",
    "aws:cloudfront/responseHeadersPolicy:ResponseHeadersPolicy": "there is no edge in front of the local API",
    "aws:cloudwatch/queryDefinition:QueryDefinition": "the emulator does not keep saved queries",
    "aws:codedeploy/application:Application": "the emulator has no CodeDeploy",
    "aws:codedeploy/deploymentConfig:DeploymentConfig": "the emulator has no CodeDeploy",
    "aws:codedeploy/deploymentGroup:DeploymentGroup": "the emulator has no CodeDeploy",
    "aws:route53/record:Record": "no name is resolved here",
    "aws:wafv2/webAcl:WebAcl": "there is no edge in front of the local API",
    "aws:wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration": "there is no edge in front of the local API",
    "aws:xray/group:Group": "the emulator has no X-Ray groups",
    "aws:xray/samplingRule:SamplingRule": "the emulator has no X-Ray sampling rules",
    "pulumi:providers:aws": "a provider is configuration; every resource is made in the one emulated account",
}


def create_inert(aws: Aws, pulumi_type: str, name: str, inputs: Mapping[str, Any]) -> Created:
    """An id and an ARN for a resource that is not there."""
    service = pulumi_type.split(":")[1].split("/")[0]
    physical = str(inputs.get("name", name))
    outputs = {"name": physical, "arn": aws.arn(service, physical)}
    # The stack's address is made of it. Nothing answers there: the top-level domain is reserved for that.
    edge = {"domainName": f"{physical}.invalid"} if pulumi_type.endswith(":Distribution") else {}
    return Created(physical, outputs | edge)
