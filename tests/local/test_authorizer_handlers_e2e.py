"""Tests that user pools and authorizers can be created, changed in place and deleted on the emulator."""

import pytest
from botocore.exceptions import ClientError

from local.services.aws import Aws
from tests.local.made import Made

pytestmark = pytest.mark.e2e


def test_a_user_pool_can_be_changed_and_deleted(emulated: Aws) -> None:
    # GIVEN a user pool with a scope, a client and a domain
    pool = Made(
        emulated,
        "UserPool",
        "pool",
        name="callers",
        adminCreateUserConfig={"allowAdminCreateUserOnly": True},
        tags={"a": "b"},
    )
    scopes = [{"scopeName": "read", "scopeDescription": "Look"}]
    server = Made(emulated, "ResourceServer", "s", identifier="orders", userPoolId=pool.id, scopes=scopes)
    client = Made(
        emulated,
        "UserPoolClient",
        "c",
        name="shop",
        userPoolId=pool.id,
        generateSecret=True,
        allowedOauthFlows=["client_credentials"],
        allowedOauthFlowsUserPoolClient=True,
        allowedOauthScopes=["orders/read"],
        accessTokenValidity=3600,
        tokenValidityUnits={"accessToken": "seconds"},
    )
    domain = Made(emulated, "UserPoolDomain", "d", domain="tokens-1", userPoolId=pool.id)

    # WHEN the pool, the scopes and the client are changed in place
    pool.change(deletionProtection="INACTIVE")
    server.change(scopes=[*scopes, {"scopeName": "write", "scopeDescription": "Order"}])
    changed = client.change(accessTokenValidity=300, allowedOauthScopes=["orders/read", "orders/write"])
    found = emulated.cognito.describe_user_pool_client(UserPoolId=pool.id, ClientId=client.id)["UserPoolClient"]

    # THEN the new values are stored, and the client's credentials are unchanged
    assert pool.state["endpoint"] == f"cognito-idp.us-east-1.amazonaws.com/{pool.id}"
    assert found["AccessTokenValidity"] == 300
    assert found["AllowedOAuthScopes"] == ["orders/read", "orders/write"]
    assert changed["clientSecret"] == client.state["clientSecret"] == found["ClientSecret"]

    # WHEN the pool is deleted with all its parts, and then once more
    for each in (domain, client, server, pool, pool):
        each.delete()

    # THEN there is no pool
    with pytest.raises(ClientError):
        emulated.cognito.describe_user_pool(UserPoolId=pool.id)


def test_an_authorizer_can_be_changed_and_deleted(emulated: Aws) -> None:
    # GIVEN an authorizer
    api = Made(emulated, "Api", "api", name="a", protocolType="HTTP")
    jwt = {"issuer": "https://id.example.com", "audiences": ["orders"]}
    authorizer = Made(
        emulated,
        "Authorizer",
        "auth",
        apiId=api.id,
        authorizerType="JWT",
        identitySources=["$request.header.Authorization"],
        jwtConfiguration=jwt,
    )

    # WHEN its audience changes
    authorizer.change(jwtConfiguration={**jwt, "audiences": ["orders", "more"]})
    found = emulated.apigatewayv2.get_authorizer(ApiId=api.id, AuthorizerId=authorizer.id)

    # THEN the new value is stored, and the authorizer can be deleted twice
    assert found["JwtConfiguration"]["Audience"] == ["orders", "more"]
    authorizer.delete()
    authorizer.delete()
    assert emulated.apigatewayv2.get_authorizers(ApiId=api.id)["Items"] == []
    api.delete()
