"""Resource types that are accepted without effect: the emulator lacks the service, or the effect would not be visible.

Such a resource has an id. Its outputs include its inputs and an ARN, so that references to it
resolve.
"""

from collections.abc import Mapping
from typing import Any

from local.services.aws import Aws
from local.services.base import Created

# Type → why it is inert. docs/embedded-aws.md shows this list.
INERT: Mapping[str, str] = {
    "aws:acm/certificate:Certificate": "the emulator has neither TLS nor DNS",
    "aws:acm/certificateValidation:CertificateValidation": "the emulator has neither TLS nor DNS",
    "aws:budgets/budget:Budget": "the emulator costs nothing",
    "aws:cloudfront/cachePolicy:CachePolicy": "the local API has no edge",
    "aws:cloudfront/distribution:Distribution": "the local API has no edge",
    "aws:cloudfront/originRequestPolicy:OriginRequestPolicy": "the local API has no edge",
    "aws:cloudfront/responseHeadersPolicy:ResponseHeadersPolicy": "the local API has no edge",
    "aws:cloudwatch/queryDefinition:QueryDefinition": "the emulator does not keep saved queries",
    "aws:codedeploy/application:Application": "the emulator has no CodeDeploy",
    "aws:codedeploy/deploymentConfig:DeploymentConfig": "the emulator has no CodeDeploy",
    "aws:codedeploy/deploymentGroup:DeploymentGroup": "the emulator has no CodeDeploy",
    "aws:route53/record:Record": "the emulator has no DNS",
    "aws:wafv2/webAcl:WebAcl": "the local API has no edge",
    "aws:wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration": "the local API has no edge",
    "aws:xray/group:Group": "the emulator has no X-Ray groups",
    "aws:xray/samplingRule:SamplingRule": "the emulator has no X-Ray sampling rules",
    "pulumi:providers:aws": "every resource is created in the one emulated account",
}


def create_inert(aws: Aws, pulumi_type: str, name: str, inputs: Mapping[str, Any]) -> Created:
    """Return an id and an ARN for a resource that is not created."""
    service = pulumi_type.split(":")[1].split("/")[0]
    physical = str(inputs.get("name", name))
    outputs = {"name": physical, "arn": aws.arn(service, physical)}
    # The stack's address contains this name. No server has this name, because its top-level domain is reserved.
    edge = {"domainName": f"{physical}.invalid"} if pulumi_type.endswith(":Distribution") else {}
    return Created(physical, outputs | edge)
