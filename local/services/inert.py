"""Resource types that are accepted without effect: the emulator lacks the service, or the effect would not be visible.

Such a resource has an id, an ARN and its inputs as outputs, so that references to it resolve.
"""

from collections.abc import Mapping
from typing import Any

from local.services.aws import Aws
from local.services.base import Created

# Type → why it is inert. docs/embedded-aws.md shows this list.
INERT: Mapping[str, str] = {
    "aws:acm/certificate:Certificate": "the emulator has no TLS, and no DNS for the validation",
    "aws:acm/certificateValidation:CertificateValidation": "the emulator has no TLS, and no DNS for the validation",
    "aws:budgets/budget:Budget": "the emulator costs nothing",
    "aws:cloudfront/cachePolicy:CachePolicy": "there is no edge in front of the local API",
    "aws:cloudfront/distribution:Distribution": "there is no edge in front of the local API",
    "aws:cloudfront/originRequestPolicy:OriginRequestPolicy": "there is no edge in front of the local API",
    "aws:cloudfront/responseHeadersPolicy:ResponseHeadersPolicy": "there is no edge in front of the local API",
    "aws:cloudwatch/queryDefinition:QueryDefinition": "the emulator does not keep saved queries",
    "aws:codedeploy/application:Application": "the emulator has no CodeDeploy",
    "aws:codedeploy/deploymentConfig:DeploymentConfig": "the emulator has no CodeDeploy",
    "aws:codedeploy/deploymentGroup:DeploymentGroup": "the emulator has no CodeDeploy",
    "aws:route53/record:Record": "the emulator has no DNS",
    "aws:wafv2/webAcl:WebAcl": "there is no edge in front of the local API",
    "aws:wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration": "there is no edge in front of the local API",
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
