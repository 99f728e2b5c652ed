"""API Gateway v2: HTTP APIs."""

from collections.abc import Mapping
from typing import Any

from local.services.aws import Aws
from local.services.base import Created, Handler, Inputs, Tags, called, gone_is_fine, names

_GONE = "NotFoundException"


def data_plane_url(aws: Aws, api_id: str, stage: str) -> str:
    """Where the emulator serves a stage; like AWS, `$default` is at the root and ends with a slash."""
    root = f"{aws.endpoint_url}/_aws/execute-api/{api_id}/"
    return root if stage == "$default" else root + stage


class Cors(Inputs):
    """An API's cross-origin rules."""

    allow_credentials: bool | None = None
    allow_headers: list[str] | None = None
    allow_methods: list[str] | None = None
    allow_origins: list[str] | None = None
    expose_headers: list[str] | None = None
    max_age: int | None = None


class ApiInputs(Inputs):
    """`aws:apigatewayv2/api:Api`."""

    protocol_type: str
    name: str | None = None
    cors_configuration: Cors | None = None
    description: str = ""
    disable_execute_api_endpoint: bool | None = None
    tags: Tags
    version: str | None = None


class Api(Handler[ApiInputs]):
    """An HTTP API."""

    pulumi_type = "aws:apigatewayv2/api:Api"
    model = ApiInputs
    updatable = names("corsConfiguration description disableExecuteApiEndpoint name version")

    def create(self, aws: Aws, name: str, inputs: ApiInputs) -> Created:
        made = aws.apigatewayv2.create_api(Name=inputs.name or name, **inputs.parameters("name"))
        return Created(made["ApiId"], self._outputs(aws, made["ApiId"], inputs.name or name))

    def update(self, aws: Aws, id_: str, old: ApiInputs, new: ApiInputs) -> Mapping[str, Any]:
        made = aws.apigatewayv2.update_api(ApiId=id_, **new.parameters("protocol_type", "tags"))
        return self._outputs(aws, id_, made["Name"])

    def delete(self, aws: Aws, id_: str, inputs: ApiInputs) -> None:
        gone_is_fine(aws.apigatewayv2.delete_api, _GONE, ApiId=id_)

    @staticmethod
    def _outputs(aws: Aws, api_id: str, name: str) -> dict[str, Any]:
        return {
            "name": name,
            "apiEndpoint": data_plane_url(aws, api_id, "$default").rstrip("/"),
            "arn": f"arn:{aws.partition}:apigateway:{aws.region}::/apis/{api_id}",
            "executionArn": aws.arn("execute-api", api_id),
        }


class IntegrationInputs(Inputs):
    """`aws:apigatewayv2/integration:Integration`."""

    api_id: str
    integration_type: str
    connection_type: str | None = None
    description: str | None = None
    integration_method: str | None = None
    integration_uri: str | None = None
    payload_format_version: str | None = None
    timeout_milliseconds: int | None = called("TimeoutInMillis")


class Integration(Handler[IntegrationInputs]):
    """What an API's route calls."""

    pulumi_type = "aws:apigatewayv2/integration:Integration"
    model = IntegrationInputs
    updatable = names("description integrationMethod integrationUri payloadFormatVersion timeoutMilliseconds")

    def create(self, aws: Aws, name: str, inputs: IntegrationInputs) -> Created:
        made = aws.apigatewayv2.create_integration(**inputs.parameters())
        return Created(made["IntegrationId"])

    def update(self, aws: Aws, id_: str, old: IntegrationInputs, new: IntegrationInputs) -> Mapping[str, Any]:
        aws.apigatewayv2.update_integration(IntegrationId=id_, **new.parameters())
        return {}

    def delete(self, aws: Aws, id_: str, inputs: IntegrationInputs) -> None:
        gone_is_fine(aws.apigatewayv2.delete_integration, _GONE, ApiId=inputs.api_id, IntegrationId=id_)


class RouteInputs(Inputs):
    """`aws:apigatewayv2/route:Route`."""

    api_id: str
    route_key: str
    authorization_scopes: list[str] | None = None
    authorization_type: str | None = None
    authorizer_id: str | None = None
    operation_name: str | None = None
    target: str | None = None


class Route(Handler[RouteInputs]):
    """A method and path of an API."""

    pulumi_type = "aws:apigatewayv2/route:Route"
    model = RouteInputs
    updatable = names("authorizationScopes authorizationType authorizerId operationName routeKey target")

    def create(self, aws: Aws, name: str, inputs: RouteInputs) -> Created:
        return Created(aws.apigatewayv2.create_route(**inputs.parameters())["RouteId"])

    def update(self, aws: Aws, id_: str, old: RouteInputs, new: RouteInputs) -> Mapping[str, Any]:
        aws.apigatewayv2.update_route(RouteId=id_, **new.parameters())
        return {}

    def delete(self, aws: Aws, id_: str, inputs: RouteInputs) -> None:
        gone_is_fine(aws.apigatewayv2.delete_route, _GONE, ApiId=inputs.api_id, RouteId=id_)


class AccessLog(Inputs):
    """Where and how a stage logs requests."""

    destination_arn: str
    format: str


class RouteSettings(Inputs):
    """Throttling and metrics of a stage's routes."""

    data_trace_enabled: bool | None = None
    detailed_metrics_enabled: bool | None = None
    logging_level: str | None = None
    throttling_burst_limit: int | None = None
    throttling_rate_limit: float | None = None


class KeyedRouteSettings(RouteSettings):
    """The same for one route."""

    route_key: str


class StageInputs(Inputs):
    """`aws:apigatewayv2/stage:Stage`."""

    api_id: str
    name: str | None = None
    access_log_settings: AccessLog | None = None
    auto_deploy: bool = False
    default_route_settings: RouteSettings | None = None
    description: str | None = None
    route_settings: list[KeyedRouteSettings] | None = None
    stage_variables: dict[str, str] | None = None
    tags: Tags

    def settings(self) -> dict[str, Any]:
        """What CreateStage and UpdateStage share."""
        routes = {each.route_key: each.parameters("route_key") for each in self.route_settings or []}
        return self.parameters("name", "route_settings", "tags") | ({"RouteSettings": routes} if routes else {})


class Stage(Handler[StageInputs]):
    """A stage. Its id is its name."""

    pulumi_type = "aws:apigatewayv2/stage:Stage"
    model = StageInputs
    updatable = names("accessLogSettings autoDeploy defaultRouteSettings description routeSettings stageVariables")

    def create(self, aws: Aws, name: str, inputs: StageInputs) -> Created:
        stage = inputs.name or name
        aws.apigatewayv2.create_stage(StageName=stage, Tags=inputs.tags, **inputs.settings())
        return Created(stage, self._outputs(aws, inputs.api_id, stage))

    def update(self, aws: Aws, id_: str, old: StageInputs, new: StageInputs) -> Mapping[str, Any]:
        aws.apigatewayv2.update_stage(StageName=id_, **new.settings())
        return self._outputs(aws, new.api_id, id_)

    def delete(self, aws: Aws, id_: str, inputs: StageInputs) -> None:
        gone_is_fine(aws.apigatewayv2.delete_stage, _GONE, ApiId=inputs.api_id, StageName=id_)

    @staticmethod
    def _outputs(aws: Aws, api_id: str, stage: str) -> dict[str, Any]:
        return {
            "name": stage,
            "arn": f"arn:{aws.partition}:apigateway:{aws.region}::/apis/{api_id}/stages/{stage}",
            "executionArn": aws.arn("execute-api", f"{api_id}/{stage}"),
            "invokeUrl": data_plane_url(aws, api_id, stage),
        }
