"""Rules on tags. Tags show who owns a resource and what it is for. People on call and readers of bills need both."""

from collections.abc import Iterator, Mapping
from typing import Final

from policy.model import UNKNOWN, Resource, Rule

REQUIRED: Final = ("Environment", "ManagedBy", "Owner", "Project", "Stack")

# The resource types of this program that can have tags.
TAGGABLE: Final = frozenset(
    {
        "aws:acm/certificate:Certificate",
        "aws:apigatewayv2/api:Api",
        "aws:apigatewayv2/domainName:DomainName",
        "aws:apigatewayv2/stage:Stage",
        "aws:cloudfront/distribution:Distribution",
        "aws:cloudwatch/compositeAlarm:CompositeAlarm",
        "aws:cloudwatch/eventBus:EventBus",
        "aws:cloudwatch/eventRule:EventRule",
        "aws:cloudwatch/logGroup:LogGroup",
        "aws:cloudwatch/metricAlarm:MetricAlarm",
        "aws:codedeploy/application:Application",
        "aws:codedeploy/deploymentGroup:DeploymentGroup",
        "aws:cognito/userPool:UserPool",
        "aws:dynamodb/table:Table",
        "aws:iam/role:Role",
        "aws:kms/key:Key",
        "aws:lambda/eventSourceMapping:EventSourceMapping",
        "aws:lambda/function:Function",
        "aws:sns/topic:Topic",
        "aws:sqs/queue:Queue",
        "aws:wafv2/webAcl:WebAcl",
        "aws:xray/group:Group",
    }
)


def _tagged(resource: Resource) -> Iterator[str]:
    tags = resource.props.get("tags")
    if tags is UNKNOWN:
        return
    missing = [tag for tag in REQUIRED if not (isinstance(tags, Mapping) and tags.get(tag))]
    if missing:
        yield f"it lacks the tags {', '.join(missing)}"


TAG_RULES: Final = (
    Rule(
        name="resources-have-the-required-tags",
        description=f"Every resource that can have tags has the tags {', '.join(REQUIRED)}.",
        level="mandatory",
        types=TAGGABLE,
        check=_tagged,
    ),
)
