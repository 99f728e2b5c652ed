"""The API's authorizer and the scopes that it requires."""

from components.component import Scope, Text
from components.http_api import JwtAuthorizer
from components.token_issuer import TokenIssuer, TokenIssuerArgs
from pipeline.config import StackConfig

AUDIENCE = "orders"
WRITE, READ = "write", "read"
SCOPES = {WRITE: "Create orders", READ: "Look up one's own orders"}


def build_issuer(config: StackConfig, scope: Scope) -> TokenIssuer | None:
    """Create the stack's own token issuer, if the configuration has one."""
    if config.authorizer != "cognito":
        return None
    return TokenIssuer(
        "callers",
        scope,
        TokenIssuerArgs(
            audience=AUDIENCE,
            scopes=SCOPES,
            clients=config.token_clients,
            validity_seconds=config.token_validity_seconds,
            deletion_protection=config.deletion_protection,
            protect=config.protect,
            endpoint=config.local_endpoint,
        ),
    )


def authorizer_of(config: StackConfig, issuer: TokenIssuer | None) -> JwtAuthorizer | None:
    """Return the authorizer of the API; None if the API is open to everybody."""
    if issuer:
        # Tokens of client credentials have no `aud`, so API Gateway checks their `client_id` instead.
        return JwtAuthorizer(issuer=issuer.issuer, audiences=tuple(issuer.client_ids.values()))
    if config.authorizer == "external":
        return JwtAuthorizer(issuer=config.jwt_issuer, audiences=config.jwt_audiences)
    return None


def caller_environment(config: StackConfig) -> dict[str, str]:
    """Return the variable `JWT_AUTHORIZER` for the API's functions, or nothing if there is no authorizer.

    With the variable, the functions refuse requests on a route that has lost its authorizer or was added without one.
    """
    return {} if config.authorizer == "none" else {"JWT_AUTHORIZER": "true"}


def scopes_of(config: StackConfig, issuer: TokenIssuer | None, scope: str) -> tuple[Text, ...]:
    """Return the scopes that a token needs on a route of the kind `scope` (`WRITE` or `READ`), possibly none."""
    if issuer:
        return (issuer.scope_name(scope),)
    external = config.jwt_write_scope if scope == WRITE else config.jwt_read_scope
    return (external,) if external else ()
