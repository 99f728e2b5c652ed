"""Cognito user pools: pools, their scopes, app clients and OAuth domains."""

from collections.abc import Mapping
from typing import Any

from local.services.aws import Aws
from local.services.base import Created, Handler, Inputs, Tags, called, gone_is_fine, names

_GONE = "ResourceNotFoundException"


class AdminCreateUser(Inputs):
    """Who may make users."""

    allow_admin_create_user_only: bool = False


class UserPoolInputs(Inputs):
    """`aws:cognito/userPool:UserPool`."""

    name: str | None = None
    admin_create_user_config: AdminCreateUser | None = None
    deletion_protection: str = "INACTIVE"
    tags: Tags


class UserPool(Handler[UserPoolInputs]):
    """A user pool."""

    pulumi_type = "aws:cognito/userPool:UserPool"
    model = UserPoolInputs
    updatable = names("adminCreateUserConfig deletionProtection")

    def create(self, aws: Aws, name: str, inputs: UserPoolInputs) -> Created:
        made = aws.cognito.create_user_pool(
            PoolName=inputs.name or name, UserPoolTags=inputs.tags, **inputs.parameters("name", "tags")
        )["UserPool"]
        return Created(made["Id"], self._outputs(aws, made["Id"]))

    def update(self, aws: Aws, id_: str, old: UserPoolInputs, new: UserPoolInputs) -> Mapping[str, Any]:
        aws.cognito.update_user_pool(UserPoolId=id_, **new.parameters("name", "tags"))
        return self._outputs(aws, id_)

    def delete(self, aws: Aws, id_: str, inputs: UserPoolInputs) -> None:
        gone_is_fine(aws.cognito.delete_user_pool, _GONE, UserPoolId=id_)

    @staticmethod
    def _outputs(aws: Aws, id_: str) -> dict[str, Any]:
        # AWS's own host name: it is what the tokens name as their issuer here, too.
        return {
            "arn": aws.arn("cognito-idp", f"userpool/{id_}"),
            "endpoint": f"cognito-idp.{aws.region}.amazonaws.com/{id_}",
        }


class Scope(Inputs):
    """What a token can be good for."""

    scope_name: str
    scope_description: str


class ResourceServerInputs(Inputs):
    """`aws:cognito/resourceServer:ResourceServer`."""

    identifier: str
    user_pool_id: str
    name: str | None = None
    scopes: list[Scope] = []  # noqa: RUF012 pydantic copies defaults

    def named(self) -> dict[str, Any]:
        """What CreateResourceServer and UpdateResourceServer share."""
        return {"Name": self.identifier, **self.parameters()}


class ResourceServer(Handler[ResourceServerInputs]):
    """The scopes of one audience. Its id is `pool|identifier`."""

    pulumi_type = "aws:cognito/resourceServer:ResourceServer"
    model = ResourceServerInputs
    updatable = names("name scopes")

    def create(self, aws: Aws, name: str, inputs: ResourceServerInputs) -> Created:
        aws.cognito.create_resource_server(**inputs.named())
        return Created(f"{inputs.user_pool_id}|{inputs.identifier}", self._outputs(inputs))

    def update(self, aws: Aws, id_: str, old: ResourceServerInputs, new: ResourceServerInputs) -> Mapping[str, Any]:
        aws.cognito.update_resource_server(**new.named())
        return self._outputs(new)

    def delete(self, aws: Aws, id_: str, inputs: ResourceServerInputs) -> None:
        gone_is_fine(
            aws.cognito.delete_resource_server, _GONE, UserPoolId=inputs.user_pool_id, Identifier=inputs.identifier
        )

    @staticmethod
    def _outputs(inputs: ResourceServerInputs) -> dict[str, Any]:
        return {"scopeIdentifiers": [f"{inputs.identifier}/{each.scope_name}" for each in inputs.scopes]}


class ValidityUnits(Inputs):
    """In what the validities of tokens are given."""

    access_token: str | None = None


class UserPoolClientInputs(Inputs):
    """`aws:cognito/userPoolClient:UserPoolClient`."""

    user_pool_id: str
    name: str | None = called("ClientName")
    access_token_validity: int | None = None
    allowed_oauth_flows: list[str] | None = called("AllowedOAuthFlows")
    allowed_oauth_flows_user_pool_client: bool | None = called("AllowedOAuthFlowsUserPoolClient")
    allowed_oauth_scopes: list[str] | None = called("AllowedOAuthScopes")
    generate_secret: bool | None = None
    prevent_user_existence_errors: str | None = None
    token_validity_units: ValidityUnits | None = None


class UserPoolClient(Handler[UserPoolClientInputs]):
    """An app client: its id and its secret are a caller's credentials."""

    pulumi_type = "aws:cognito/userPoolClient:UserPoolClient"
    model = UserPoolClientInputs
    updatable = names(
        "accessTokenValidity allowedOauthFlows allowedOauthFlowsUserPoolClient allowedOauthScopes name "
        "preventUserExistenceErrors tokenValidityUnits"
    )

    def create(self, aws: Aws, name: str, inputs: UserPoolClientInputs) -> Created:
        made = aws.cognito.create_user_pool_client(
            ClientName=inputs.name or name,
            GenerateSecret=bool(inputs.generate_secret),
            **inputs.parameters("name", "generate_secret"),
        )["UserPoolClient"]
        return Created(made["ClientId"], {"clientSecret": made.get("ClientSecret", "")})

    def update(self, aws: Aws, id_: str, old: UserPoolClientInputs, new: UserPoolClientInputs) -> Mapping[str, Any]:
        """Change it in place; its secret stays."""
        made = aws.cognito.update_user_pool_client(ClientId=id_, **new.parameters("generate_secret"))["UserPoolClient"]
        return {"clientSecret": made.get("ClientSecret", "")}

    def delete(self, aws: Aws, id_: str, inputs: UserPoolClientInputs) -> None:
        gone_is_fine(aws.cognito.delete_user_pool_client, _GONE, UserPoolId=inputs.user_pool_id, ClientId=id_)


class UserPoolDomainInputs(Inputs):
    """`aws:cognito/userPoolDomain:UserPoolDomain`."""

    domain: str
    user_pool_id: str


class UserPoolDomain(Handler[UserPoolDomainInputs]):
    """The name of a pool's OAuth endpoints. Here they are at the emulator's own address."""

    pulumi_type = "aws:cognito/userPoolDomain:UserPoolDomain"
    model = UserPoolDomainInputs

    def create(self, aws: Aws, name: str, inputs: UserPoolDomainInputs) -> Created:
        aws.cognito.create_user_pool_domain(**inputs.parameters())
        return Created(inputs.domain)

    def delete(self, aws: Aws, id_: str, inputs: UserPoolDomainInputs) -> None:
        gone_is_fine(aws.cognito.delete_user_pool_domain, _GONE, **inputs.parameters())
