"""Cognito user pools: pools, their scopes, app clients and OAuth domains."""

from collections.abc import Mapping
from typing import Any, ClassVar

from local.services.aws import Aws
from local.services.base import Handler, Inputs, names


class UserPool(Handler):
    """A user pool."""

    pulumi_type = "aws:cognito/userPool:UserPool"
    service, noun, key, answered = "cognito-idp", "UserPool", "UserPoolId", "Id"
    renamed: ClassVar = {"name": "PoolName", "tags": "UserPoolTags"}
    defaults: ClassVar = {"deletionProtection": "INACTIVE"}
    updatable = names("adminCreateUserConfig deletionProtection")

    def outputs(self, aws: Aws, id_: str, inputs: Inputs, made: Mapping[str, Any]) -> dict[str, Any]:
        # `https://` + this endpoint must equal the issuer in the emulator's tokens, which has AWS's host name.
        return {
            "arn": aws.arn("cognito-idp", f"userpool/{id_}"),
            "endpoint": f"cognito-idp.{aws.region}.amazonaws.com/{id_}",
        }


class ResourceServer(Handler):
    """A resource server: the scopes of one audience. The resource's id is `pool|identifier`."""

    pulumi_type = "aws:cognito/resourceServer:ResourceServer"
    service, noun = "cognito-idp", "ResourceServer"
    updatable = names("name scopes")

    def shaped(self, inputs: Inputs) -> Inputs:
        return {**inputs, "name": inputs.get("name") or inputs["identifier"]}

    def whole(self, name: str, inputs: Inputs) -> Inputs:
        return inputs

    def id_of(self, inputs: Inputs, made: Mapping[str, Any]) -> str:
        return f"{inputs['userPoolId']}|{inputs['identifier']}"

    def outputs(self, aws: Aws, id_: str, inputs: Inputs, made: Mapping[str, Any]) -> dict[str, Any]:
        scopes = inputs.get("scopes") or []
        return {"scopeIdentifiers": [f"{inputs['identifier']}/{each['scopeName']}" for each in scopes]}


class UserPoolClient(Handler):
    """An app client. Its id and its secret are a caller's credentials. The secret never changes."""

    pulumi_type = "aws:cognito/userPoolClient:UserPoolClient"
    service, noun, key = "cognito-idp", "UserPoolClient", "ClientId"
    renamed: ClassVar = {"name": "ClientName"}
    updatable = names(
        "accessTokenValidity allowedOauthFlows allowedOauthFlowsUserPoolClient allowedOauthScopes name "
        "preventUserExistenceErrors tokenValidityUnits"
    )

    def outputs(self, aws: Aws, id_: str, inputs: Inputs, made: Mapping[str, Any]) -> dict[str, Any]:
        return {"clientSecret": made.get("ClientSecret", "")}


class UserPoolDomain(Handler):
    """The domain of a pool's OAuth endpoints. Here the endpoints are at the emulator's own address."""

    pulumi_type = "aws:cognito/userPoolDomain:UserPoolDomain"
    service, noun = "cognito-idp", "UserPoolDomain"

    def id_of(self, inputs: Inputs, made: Mapping[str, Any]) -> str:
        return str(inputs["domain"])
