"""An HTTP API in front of functions: throttled, logged without personal data, allowed to call exactly its routes."""

import json
import re
from typing import ClassVar, Literal

import pulumi
import pulumi_aws as aws
from pydantic import Field

from components.component import Args, Component, Scope
from components.function import ALIAS, Function

# The stage without a path of its own: `Location: /orders/{id}` is right as it stands.
STAGE = "$default"
# The most that HTTP APIs wait; the functions' own timeouts are below it and end first.
INTEGRATION_TIMEOUT_MILLISECONDS = 30_000

# No address, no user agent, no claims, and no path: the route key says which call it was, the path whose order.
ACCESS_LOG_FORMAT = json.dumps(
    {
        "request_id": "$context.requestId",
        "time": "$context.requestTimeEpoch",
        "route": "$context.routeKey",
        "status": "$context.status",
        "response_bytes": "$context.responseLength",
        "latency_ms": "$context.responseLatency",
        "integration_status": "$context.integration.status",
        "integration_latency_ms": "$context.integrationLatency",
        "integration_request_id": "$context.integration.requestId",
        "error_type": "$context.error.responseType",
    },
    separators=(",", ":"),
)


class Route(Args):
    """One method and path, and the function that answers."""

    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] = Field(description="HTTP method.")
    path: str = Field(pattern=r"^(/([a-z0-9._-]+|\{[a-z_]+\}))+$", description="Path; `{name}` matches one segment.")
    function: Function = Field(description="Called through its live alias.")

    @property
    def slug(self) -> str:
        """`GET /orders/{order_id}` as part of a resource name: `get-orders-order-id`."""
        return re.sub(r"[^a-z0-9]+", "-", f"{self.method} {self.path}".lower()).strip("-")


class HttpApiArgs(Args):
    """Routes and limits."""

    routes: tuple[Route, ...] = Field(min_length=1, description="Everything the API answers; the rest is 404.")
    throttle_rate: int = Field(ge=1, description="Requests per second, over all callers, above which it answers 429.")
    throttle_burst: int = Field(ge=1, description="Requests that may come at once before the rate counts.")
    log_retention_days: int = Field(description="How long CloudWatch keeps the access log.")


class HttpApi(Component):
    """The API with its default stage.

    Outputs: `url` (no trailing slash), `api_id`, `stage_name`, `access_log_name`.
    """

    kind: ClassVar[str] = "HttpApi"

    def __init__(self, name: str, scope: Scope, args: HttpApiArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, scope, opts)
        self._api = aws.apigatewayv2.Api(
            name,
            aws.apigatewayv2.ApiArgs(name=scope.name(name), protocol_type="HTTP", tags=scope.tags),
            self.child(),
        )
        integrations = self._integrations(args.routes)
        routes = [self._route(route, integrations[route.function.logical_name]) for route in args.routes]
        logs = aws.cloudwatch.LogGroup(
            f"{name}-access-logs",
            aws.cloudwatch.LogGroupArgs(
                # Under this prefix AWS's log delivery shares one resource policy, which has a size limit otherwise.
                name=f"/aws/vendedlogs/{scope.name(name)}",
                retention_in_days=args.log_retention_days,
                tags=scope.tags,
            ),
            self.child(),
        )
        stage = self._stage(args, logs, list(routes))
        self.url = stage.invoke_url.apply(lambda url: url.rstrip("/"))
        self.api_id, self.stage_name, self.access_log_name = self._api.id, stage.name, logs.name
        self.register_outputs(
            {
                "url": self.url,
                "api_id": self.api_id,
                "stage_name": self.stage_name,
                "access_log_name": self.access_log_name,
            }
        )

    def _integrations(self, routes: tuple[Route, ...]) -> dict[str, aws.apigatewayv2.Integration]:
        """One integration per function, however many routes lead to it."""
        functions = {route.function.logical_name: route.function for route in routes}
        return {
            name: aws.apigatewayv2.Integration(
                f"{self.logical_name}-{name}",
                aws.apigatewayv2.IntegrationArgs(
                    api_id=self._api.id,
                    integration_type="AWS_PROXY",
                    integration_uri=function.alias_invoke_arn,
                    payload_format_version="2.0",
                    timeout_milliseconds=INTEGRATION_TIMEOUT_MILLISECONDS,
                ),
                self.child(),
            )
            for name, function in functions.items()
        }

    def _route(self, route: Route, integration: aws.apigatewayv2.Integration) -> aws.apigatewayv2.Route:
        permission = aws.lambda_.Permission(
            f"{self.logical_name}-{route.slug}-permission",
            aws.lambda_.PermissionArgs(
                action="lambda:InvokeFunction",
                function=route.function.function_name,
                qualifier=ALIAS,
                principal="apigateway.amazonaws.com",
                source_arn=pulumi.Output.concat(self._api.execution_arn, f"/{STAGE}/{route.method}{route.path}"),
                statement_id=f"{self.scope.name(self.logical_name)}-{route.slug}",
            ),
            # The permission is on the alias; the name alone does not say that it exists.
            self.child(depends_on=[route.function.alias]),
        )
        return aws.apigatewayv2.Route(
            f"{self.logical_name}-{route.slug}",
            aws.apigatewayv2.RouteArgs(
                api_id=self._api.id,
                route_key=f"{route.method} {route.path}",
                target=pulumi.Output.concat("integrations/", integration.id),
            ),
            # A route that is open before API Gateway may call the function answers 500.
            self.child(depends_on=[permission]),
        )

    def _stage(
        self, args: HttpApiArgs, logs: aws.cloudwatch.LogGroup, routes: list[pulumi.Resource]
    ) -> aws.apigatewayv2.Stage:
        return aws.apigatewayv2.Stage(
            f"{self.logical_name}-stage",
            aws.apigatewayv2.StageArgs(
                api_id=self._api.id,
                name=STAGE,
                auto_deploy=True,
                default_route_settings=aws.apigatewayv2.StageDefaultRouteSettingsArgs(
                    throttling_rate_limit=args.throttle_rate, throttling_burst_limit=args.throttle_burst
                ),
                access_log_settings=aws.apigatewayv2.StageAccessLogSettingsArgs(
                    destination_arn=logs.arn, format=ACCESS_LOG_FORMAT
                ),
                tags=self.scope.tags,
            ),
            self.child(depends_on=routes),
        )
