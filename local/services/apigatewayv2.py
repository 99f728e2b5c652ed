"""API Gateway v2: HTTP APIs."""

from collections.abc import Mapping
from typing import Any, ClassVar

from local.services.aws import Aws
from local.services.base import Handler, Inputs, names, without


def data_plane_url(aws: Aws, api_id: str, stage: str) -> str:
    """Return the URL of a stage in the emulator. As on AWS, the URL of `$default` is the API's root, with a slash."""
    root = f"{aws.endpoint_url}/_aws/execute-api/{api_id}/"
    return root if stage == "$default" else root + stage


class _Gateway(Handler):
    service = "apigatewayv2"
    gone = ("NotFoundException",)


class Api(_Gateway):
    """An HTTP API."""

    pulumi_type = "aws:apigatewayv2/api:Api"
    noun, key = "Api", "ApiId"
    defaults: ClassVar = {"description": ""}
    updatable = names("corsConfiguration description disableExecuteApiEndpoint name version")

    def outputs(self, aws: Aws, id_: str, inputs: Inputs, made: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "name": made["Name"],
            "apiEndpoint": data_plane_url(aws, id_, "$default").rstrip("/"),
            "arn": f"arn:{aws.partition}:apigateway:{aws.region}::/apis/{id_}",
            "executionArn": aws.arn("execute-api", id_),
        }


class Integration(_Gateway):
    """The target that an API's route calls."""

    pulumi_type = "aws:apigatewayv2/integration:Integration"
    noun, key = "Integration", "IntegrationId"
    renamed: ClassVar = {"timeoutMilliseconds": "TimeoutInMillis"}
    updatable = names("description integrationMethod integrationUri payloadFormatVersion timeoutMilliseconds")


class Route(_Gateway):
    """A method and path of an API."""

    pulumi_type = "aws:apigatewayv2/route:Route"
    noun, key = "Route", "RouteId"
    updatable = names("authorizationScopes authorizationType authorizerId operationName routeKey target")


class Authorizer(_Gateway):
    """An authorizer, which verifies the tokens of an API's callers."""

    pulumi_type = "aws:apigatewayv2/authorizer:Authorizer"
    noun, key = "Authorizer", "AuthorizerId"
    renamed: ClassVar = {"identitySources": "IdentitySource"}
    updatable = names("identitySources jwtConfiguration name")

    def shaped(self, inputs: Inputs) -> Inputs:
        jwt = {"audience" if key == "audiences" else key: value for key, value in inputs["jwtConfiguration"].items()}
        return {**inputs, "jwtConfiguration": jwt}


class Stage(_Gateway):
    """A stage. Its id is its name."""

    pulumi_type = "aws:apigatewayv2/stage:Stage"
    noun, key = "Stage", "StageName"
    renamed: ClassVar = {"name": "StageName"}
    defaults: ClassVar = {"autoDeploy": False}
    updatable = names("accessLogSettings autoDeploy defaultRouteSettings description routeSettings stageVariables")

    def shaped(self, inputs: Inputs) -> Inputs:
        routes = {each["routeKey"]: without(each, "routeKey") for each in inputs.get("routeSettings") or []}
        return {**inputs, "routeSettings": routes or None}

    def outputs(self, aws: Aws, id_: str, inputs: Inputs, made: Mapping[str, Any]) -> dict[str, Any]:
        api_id = inputs["apiId"]
        return {
            "name": id_,
            "arn": f"arn:{aws.partition}:apigateway:{aws.region}::/apis/{api_id}/stages/{id_}",
            "executionArn": aws.arn("execute-api", f"{api_id}/{id_}"),
            "invokeUrl": data_plane_url(aws, api_id, id_),
        }
