"""API Gateway v2: HTTP APIs."""

from collections.abc import Mapping
from typing import Any, ClassVar

from local.services.aws import Aws
from local.services.base import Created, Handler, Inputs, Tags, compact, gone_is_fine

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

    def parameters(self) -> dict[str, Any]:
        """What CreateApi and UpdateApi share."""
        cors = self.cors_configuration
        return compact(
            Description=self.description,
            CorsConfiguration=_pascal(cors) if cors else None,
            DisableExecuteApiEndpoint=self.disable_execute_api_endpoint,
            Version=self.version,
        )


def _pascal(block: Inputs) -> dict[str, Any]:
    given = block.model_dump(by_alias=True, exclude_none=True)
    return {key[0].upper() + key[1:]: value for key, value in given.items()}


class Api(Handler[ApiInputs]):
    """An HTTP API."""

    pulumi_type = "aws:apigatewayv2/api:Api"
    model = ApiInputs
    updatable = frozenset({"corsConfiguration", "description", "disableExecuteApiEndpoint", "name", "version"})

    def create(self, aws: Aws, name: str, inputs: ApiInputs) -> Created:
        """Create it."""
        made = aws.apigatewayv2.create_api(
            Name=inputs.name or name,
            ProtocolType="HTTP" if inputs.protocol_type == "HTTP" else "WEBSOCKET",
            Tags=inputs.tags,
            **inputs.parameters(),
        )
        return Created(made["ApiId"], self._outputs(aws, made["ApiId"], inputs.name or name))

    def update(self, aws: Aws, id_: str, old: ApiInputs, new: ApiInputs) -> Mapping[str, Any]:
        """Change it in place."""
        made = aws.apigatewayv2.update_api(ApiId=id_, **compact(Name=new.name), **new.parameters())
        return self._outputs(aws, id_, made["Name"])

    def delete(self, aws: Aws, id_: str, inputs: ApiInputs) -> None:
        """Delete it with its routes, integrations and stages."""
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
    timeout_milliseconds: int | None = None

    def parameters(self) -> dict[str, Any]:
        """What CreateIntegration and UpdateIntegration share."""
        return compact(
            IntegrationType=self.integration_type,
            ConnectionType=self.connection_type,
            Description=self.description,
            IntegrationMethod=self.integration_method,
            IntegrationUri=self.integration_uri,
            PayloadFormatVersion=self.payload_format_version,
            TimeoutInMillis=self.timeout_milliseconds,
        )


class Integration(Handler[IntegrationInputs]):
    """What an API's route calls."""

    pulumi_type = "aws:apigatewayv2/integration:Integration"
    model = IntegrationInputs
    updatable = frozenset(
        {"description", "integrationMethod", "integrationUri", "payloadFormatVersion", "timeoutMilliseconds"}
    )

    def create(self, aws: Aws, name: str, inputs: IntegrationInputs) -> Created:
        """Create it."""
        made = aws.apigatewayv2.create_integration(ApiId=inputs.api_id, **inputs.parameters())
        return Created(made["IntegrationId"])

    def update(self, aws: Aws, id_: str, old: IntegrationInputs, new: IntegrationInputs) -> Mapping[str, Any]:
        """Change it in place."""
        aws.apigatewayv2.update_integration(ApiId=new.api_id, IntegrationId=id_, **new.parameters())
        return {}

    def delete(self, aws: Aws, id_: str, inputs: IntegrationInputs) -> None:
        """Delete it."""
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

    def parameters(self) -> dict[str, Any]:
        """What CreateRoute and UpdateRoute share."""
        return compact(
            RouteKey=self.route_key,
            AuthorizationScopes=self.authorization_scopes,
            AuthorizationType=self.authorization_type,
            AuthorizerId=self.authorizer_id,
            OperationName=self.operation_name,
            Target=self.target,
        )


class Route(Handler[RouteInputs]):
    """A method and path of an API."""

    pulumi_type = "aws:apigatewayv2/route:Route"
    model = RouteInputs
    updatable = frozenset(
        {"authorizationScopes", "authorizationType", "authorizerId", "operationName", "routeKey", "target"}
    )

    def create(self, aws: Aws, name: str, inputs: RouteInputs) -> Created:
        """Create it."""
        return Created(aws.apigatewayv2.create_route(ApiId=inputs.api_id, **inputs.parameters())["RouteId"])

    def update(self, aws: Aws, id_: str, old: RouteInputs, new: RouteInputs) -> Mapping[str, Any]:
        """Change it in place."""
        aws.apigatewayv2.update_route(ApiId=new.api_id, RouteId=id_, **new.parameters())
        return {}

    def delete(self, aws: Aws, id_: str, inputs: RouteInputs) -> None:
        """Delete it."""
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

    def parameters(self) -> dict[str, Any]:
        """What CreateStage and UpdateStage share."""
        settings = {
            each.route_key: {key: value for key, value in _pascal(each).items() if key != "RouteKey"}
            for each in self.route_settings or []
        }
        return compact(
            AccessLogSettings=_pascal(self.access_log_settings) if self.access_log_settings else None,
            AutoDeploy=self.auto_deploy,
            DefaultRouteSettings=_pascal(self.default_route_settings) if self.default_route_settings else None,
            Description=self.description,
            RouteSettings=settings or None,
            StageVariables=self.stage_variables,
        )


class Stage(Handler[StageInputs]):
    """A stage. Its id is its name."""

    pulumi_type = "aws:apigatewayv2/stage:Stage"
    model = StageInputs
    ignored: ClassVar[Mapping[str, str]] = {}
    updatable = frozenset(
        {
            "accessLogSettings",
            "autoDeploy",
            "defaultRouteSettings",
            "description",
            "routeSettings",
            "stageVariables",
        }
    )

    def create(self, aws: Aws, name: str, inputs: StageInputs) -> Created:
        """Create it."""
        stage = inputs.name or name
        aws.apigatewayv2.create_stage(ApiId=inputs.api_id, StageName=stage, Tags=inputs.tags, **inputs.parameters())
        return Created(stage, self._outputs(aws, inputs.api_id, stage))

    def update(self, aws: Aws, id_: str, old: StageInputs, new: StageInputs) -> Mapping[str, Any]:
        """Change it in place."""
        aws.apigatewayv2.update_stage(ApiId=new.api_id, StageName=id_, **new.parameters())
        return self._outputs(aws, new.api_id, id_)

    def delete(self, aws: Aws, id_: str, inputs: StageInputs) -> None:
        """Delete it."""
        gone_is_fine(aws.apigatewayv2.delete_stage, _GONE, ApiId=inputs.api_id, StageName=id_)

    @staticmethod
    def _outputs(aws: Aws, api_id: str, stage: str) -> dict[str, Any]:
        return {
            "name": stage,
            "arn": f"arn:{aws.partition}:apigateway:{aws.region}::/apis/{api_id}/stages/{stage}",
            "executionArn": aws.arn("execute-api", f"{api_id}/{stage}"),
            "invokeUrl": data_plane_url(aws, api_id, stage),
        }
