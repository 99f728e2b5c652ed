"""An HTTP API: throttled, logged without personal data, allowed to call only the functions of its routes."""

import json
from typing import ClassVar

import pulumi
import pulumi_aws as aws

from components.component import Component, Scope
from components.function import ALIAS
from components.http_api_args import Cors, HttpApiArgs, JwtAuthorizer, Route

__all__ = ["Cors", "HttpApi", "HttpApiArgs", "JwtAuthorizer", "Route"]

# The stage whose name is not part of the path.
STAGE = "$default"
# The longest that an HTTP API can wait for a function. The functions' timeouts are shorter.
INTEGRATION_TIMEOUT_MILLISECONDS = 30_000

# The log has no address, user agent or claims. The route key replaces the path, which would contain the order's id.
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


class HttpApi(Component):
    """The API with its default stage.

    Outputs: `url` (no trailing slash), `api_id`, `stage_name`, `access_log_name`.
    """

    kind: ClassVar[str] = "HttpApi"

    def __init__(self, name: str, scope: Scope, args: HttpApiArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, scope, opts)
        self._api = aws.apigatewayv2.Api(
            name,
            aws.apigatewayv2.ApiArgs(
                name=scope.name(name),
                protocol_type="HTTP",
                cors_configuration=_cors(args.cors) if args.cors else None,
                disable_execute_api_endpoint=None if args.default_endpoint else True,
                tags=scope.tags,
            ),
            self.child(),
        )
        self._authorizer = self._jwt_authorizer(args.authorizer) if args.authorizer else None
        integrations = self._integrations(args.routes)
        routes = [self._route(route, integrations[route.function.logical_name]) for route in args.routes]
        logs = aws.cloudwatch.LogGroup(
            f"{name}-access-logs",
            aws.cloudwatch.LogGroupArgs(
                # One entry in a resource policy lets AWS deliver logs to all groups under /aws/vendedlogs/. Any other
                # group needs its own entry, and the policy's size is limited.
                name=f"/aws/vendedlogs/{scope.name(name)}",
                retention_in_days=args.log_retention_days,
                kms_key_id=scope.key_arn,
                tags=scope.tags,
            ),
            self.child(),
        )
        stage = self._stage(args, logs, list(routes))
        self.url = stage.invoke_url.apply(lambda url: url.rstrip("/"))
        self.api_id, self.stage_name, self.access_log_name = self._api.id, stage.name, logs.name
        self.stage = stage
        self.register_outputs(
            {
                "url": self.url,
                "api_id": self.api_id,
                "stage_name": self.stage_name,
                "access_log_name": self.access_log_name,
            }
        )

    def _jwt_authorizer(self, args: JwtAuthorizer) -> aws.apigatewayv2.Authorizer:
        return aws.apigatewayv2.Authorizer(
            f"{self.logical_name}-authorizer",
            aws.apigatewayv2.AuthorizerArgs(
                api_id=self._api.id,
                name=self.scope.name(self.logical_name),
                authorizer_type="JWT",
                identity_sources=["$request.header.Authorization"],
                jwt_configuration=aws.apigatewayv2.AuthorizerJwtConfigurationArgs(
                    issuer=args.issuer, audiences=args.audiences
                ),
            ),
            self.child(),
        )

    def _integrations(self, routes: tuple[Route, ...]) -> dict[str, aws.apigatewayv2.Integration]:
        """Create one integration per function, even if several routes use it."""
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
            # The permission is for the alias. The dependency makes sure that the alias exists.
            self.child(depends_on=[route.function.alias]),
        )
        return aws.apigatewayv2.Route(
            f"{self.logical_name}-{route.slug}",
            aws.apigatewayv2.RouteArgs(
                api_id=self._api.id,
                route_key=f"{route.method} {route.path}",
                authorization_type="JWT" if self._authorizer else None,
                authorizer_id=self._authorizer.id if self._authorizer else None,
                authorization_scopes=list(route.scopes) if self._authorizer and route.scopes else None,
                target=pulumi.Output.concat("integrations/", integration.id),
            ),
            # The permission comes first, because without it the route would answer 500.
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


def _cors(args: Cors) -> aws.apigatewayv2.ApiCorsConfigurationArgs:
    return aws.apigatewayv2.ApiCorsConfigurationArgs(
        allow_origins=list(args.origins),
        allow_methods=list(args.methods),
        allow_headers=list(args.request_headers),
        expose_headers=list(args.response_headers),
        # One hour makes preflight requests rare; browsers limit the value (Chromium: two hours).
        max_age=3_600,
    )
