"""API Gateway v2: who verifies the callers of an HTTP API."""

from collections.abc import Mapping
from typing import Any

from local.services.aws import Aws
from local.services.base import Created, Handler, Inputs, called, gone_is_fine, names


class JwtConfiguration(Inputs):
    """Whose tokens are taken."""

    issuer: str
    audiences: list[str] = called("Audience", ...)


class AuthorizerInputs(Inputs):
    """`aws:apigatewayv2/authorizer:Authorizer`, of tokens only."""

    api_id: str
    authorizer_type: str
    identity_sources: list[str] = called("IdentitySource", ...)
    jwt_configuration: JwtConfiguration
    name: str | None = None


class Authorizer(Handler[AuthorizerInputs]):
    """A JWT authorizer."""

    pulumi_type = "aws:apigatewayv2/authorizer:Authorizer"
    model = AuthorizerInputs
    updatable = names("identitySources jwtConfiguration name")

    def create(self, aws: Aws, name: str, inputs: AuthorizerInputs) -> Created:
        made = aws.apigatewayv2.create_authorizer(Name=inputs.name or name, **inputs.parameters("name"))
        return Created(made["AuthorizerId"])

    def update(self, aws: Aws, id_: str, old: AuthorizerInputs, new: AuthorizerInputs) -> Mapping[str, Any]:
        aws.apigatewayv2.update_authorizer(AuthorizerId=id_, **new.parameters())
        return {}

    def delete(self, aws: Aws, id_: str, inputs: AuthorizerInputs) -> None:
        gone_is_fine(aws.apigatewayv2.delete_authorizer, "NotFoundException", ApiId=inputs.api_id, AuthorizerId=id_)
