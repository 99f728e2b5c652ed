"""A Cognito user pool that issues tokens to known systems, each with its own OAuth client credentials."""

# Without this import, Python would evaluate the annotations and so load some of the provider's largest modules.
from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import ClassVar

import pulumi
import pulumi_aws as aws
from pydantic import Field

from components.component import Args, Component, Scope

_VALIDITY_UNIT = "seconds"


class TokenIssuerArgs(Args):
    """Settings of a token issuer: its clients, its scopes and its tokens' validity."""

    audience: str = Field(
        pattern=r"^[a-z][a-z0-9-]*$",
        description="The API that the tokens are for; scopes start with it, as in `orders/read`.",
    )
    scopes: Mapping[str, str] = Field(min_length=1, description="Descriptions of scopes; keys: names such as `read`.")
    clients: tuple[str, ...] = Field(min_length=1, description="Names of systems; each gets an id and a secret.")
    validity_seconds: int = Field(ge=1, le=86_400, description="How long an access token is valid.")
    deletion_protection: bool = Field(description="Makes AWS refuse to delete the pool.")
    protect: bool = Field(description="Makes Pulumi refuse a plan that deletes or replaces the pool.")
    endpoint: str = Field(default="", description="An emulator's OAuth address; empty for AWS.")


class TokenIssuer(Component):
    """The pool with its clients. It has no users, so nobody signs in.

    Outputs: `issuer` (the tokens' `iss`), `client_ids` (by name), `token_url`. The attribute `client_secrets` (by name)
    is not registered as an output.
    """

    kind: ClassVar[str] = "TokenIssuer"

    def __init__(
        self, name: str, scope: Scope, args: TokenIssuerArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(name, scope, opts)
        self._pool = self._user_pool(args)
        self._server = aws.cognito.ResourceServer(
            f"{name}-scopes",
            aws.cognito.ResourceServerArgs(
                identifier=args.audience,
                name=scope.name(name),
                user_pool_id=self._pool.id,
                scopes=[
                    aws.cognito.ResourceServerScopeArgs(scope_name=each, scope_description=meaning)
                    for each, meaning in sorted(args.scopes.items())
                ],
            ),
            self.child(),
        )
        domain = aws.cognito.UserPoolDomain(
            f"{name}-domain",
            # The name must be unique among all AWS accounts of the region, so it comes from the pool's id. It is a
            # hash, because Cognito refuses names that contain `aws`, `amazon` or `cognito`.
            aws.cognito.UserPoolDomainArgs(domain=self._pool.id.apply(_domain), user_pool_id=self._pool.id),
            self.child(),
        )
        clients = {client: self._client(client, args) for client in args.clients}
        self.issuer = pulumi.Output.concat("https://", self._pool.endpoint)
        self.client_ids = {client: made.id for client, made in clients.items()}
        self.client_secrets = {client: made.client_secret for client, made in clients.items()}
        self.token_url = pulumi.Output.concat(
            args.endpoint or pulumi.Output.all(domain.domain, self._pool.id).apply(_host), "/oauth2/token"
        )
        self.register_outputs({"issuer": self.issuer, "client_ids": self.client_ids, "token_url": self.token_url})

    def scope_name(self, scope: str) -> pulumi.Output[str]:
        """Return the full name of the scope, as tokens contain it."""
        return pulumi.Output.concat(self._server.identifier, "/", scope)

    def _user_pool(self, args: TokenIssuerArgs) -> aws.cognito.UserPool:
        return aws.cognito.UserPool(
            f"{self.logical_name}-pool",
            aws.cognito.UserPoolArgs(
                name=self.scope.name(self.logical_name),
                # Callers are systems. If people could sign up themselves, anybody could become a caller.
                admin_create_user_config=aws.cognito.UserPoolAdminCreateUserConfigArgs(
                    allow_admin_create_user_only=True
                ),
                deletion_protection="ACTIVE" if args.deletion_protection else "INACTIVE",
                tags=self.scope.tags,
            ),
            # A new pool is a new issuer, so the same systems would be new callers without their earlier orders.
            self.child(protect=args.protect),
        )

    def _client(self, client: str, args: TokenIssuerArgs) -> aws.cognito.UserPoolClient:
        return aws.cognito.UserPoolClient(
            f"{self.logical_name}-client-{client}",
            aws.cognito.UserPoolClientArgs(
                name=self.scope.name(client),
                user_pool_id=self._pool.id,
                generate_secret=True,
                allowed_oauth_flows=["client_credentials"],
                allowed_oauth_flows_user_pool_client=True,
                allowed_oauth_scopes=[self.scope_name(each) for each in sorted(args.scopes)],
                access_token_validity=args.validity_seconds,
                token_validity_units=aws.cognito.UserPoolClientTokenValidityUnitsArgs(access_token=_VALIDITY_UNIT),
                prevent_user_existence_errors="ENABLED",
            ),
            # The client's id identifies the caller. A replaced client would be a new caller and could not see the
            # orders of the old one.
            self.child(protect=args.protect),
        )


def _domain(pool_id: str) -> str:
    return f"tokens-{hashlib.sha256(pool_id.encode()).hexdigest()[:20]}"


def _host(domain_and_pool: list[str]) -> str:
    domain, pool_id = domain_and_pool
    return f"https://{domain}.auth.{pool_id.partition('_')[0]}.amazoncognito.com"
