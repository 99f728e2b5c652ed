"""API Gateway v2: who verifies the callers of an HTTP API."""

from collections.abc import Mapping
from typing import Any

from local.services.aws import Aws
from local.services.base import Created, Handler, Inputs, compact, gone_is_fine


class JwtConfiguration(Inputs):
    """Whose tokens are taken."""

    issuer: str
    audiences: list[str]


class AuthorizerInputs(Inputs):
    """`aws:apigatewayv2/authorizer:Authorizer`, of tokens only."""

    api_id: str
    authorizer_type: str
    identity_sources: list[str]
    jwt_configuration: JwtConfiguration
    name: str | None = None

    def parameters(self) -> dict[str, Any]:
        """What CreateAuthorizer and UpdateAuthorizer share."""
        return {
            "AuthorizerType": self.authorizer_type,
            "IdentitySource": self.identity_sources,
            "JwtConfiguration": {
                "Issuer": self.jwt_configuration.issuer,
                "Audience": self.jwt_configuration.audiences,
            },
        }


class Authorizer(Handler[AuthorizerInputs]):
    """A JWT authorizer."""

    pulumi_type = "aws:apigatewayv2/authorizer:Authorizer"
    model = AuthorizerInputs
    updatable = frozenset({"identitySources", "jwtConfiguration", "name"})

    def create(self, aws: Aws, name: str, inputs: AuthorizerInputs) -> Created:
        """Create it."""
        made = aws.apigatewayv2.create_authorizer(ApiId=inputs.api_id, Name=inputs.name or name, **inputs.parameters())
        return Created(made["AuthorizerId"])

    def update(self, aws: Aws, id_: str, old: AuthorizerInputs, new: AuthorizerInputs) -> Mapping[str, Any]:
        """Change it in place."""
        aws.apigatewayv2.update_authorizer(
            ApiId=new.api_id, AuthorizerId=id_, **compact(Name=new.name), **new.parameters()
        )
        return {}

    def delete(self, aws: Aws, id_: str, inputs: AuthorizerInputs) -> None:
        """Delete it."""
        gone_is_fine(aws.apigatewayv2.delete_authorizer, "NotFoundException", ApiId=inputs.api_id, AuthorizerId=id_)
