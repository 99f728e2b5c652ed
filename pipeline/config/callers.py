"""Options of the callers: who may call the API, from which web pages, and how often."""

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from pipeline.config.general import DAY, HOUR, LABEL, GeneralOptions
from pipeline.config.problems import Problem

MIN_COGNITO_VALIDITY_SECONDS = 300
MAX_AUDIENCES = 50
_SCOPE = "empty, or one scope: at most 256 ASCII characters, no spaces, quotation marks or backslashes"

Origin = Annotated[str, Field(pattern=rf"^(\*|https://({LABEL}\.)+[a-z]+(:\d+)?|http://localhost(:\d+)?)$")]
ClientName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,39}$")]
Audience = Annotated[str, Field(min_length=1, max_length=512)]


class CallerOptions(GeneralOptions):
    """Callers of the API."""

    authorizer: Literal["none", "cognito", "external"] = Field(
        default="none",
        description="Authorizer of the API: none, cognito (a user pool of the stack), or external (your own token "
        "issuer).",
        json_schema_extra={
            "cost": "cognito: about 6 USD a month per client plus 2.25 USD per 1,000 tokens; external: nothing",
            "consequence": "none: everybody is the same caller and sees all orders. Otherwise a "
            "request without a valid token gets 401, and callers never see each other's orders "
            "or keys.",
        },
    )
    allow_anonymous: bool = Field(
        default=False,
        description="Allows production without an authorizer: anybody can order, and all are the same caller.",
    )
    token_clients: tuple[ClientName, ...] = Field(
        default=(),
        description="With cognito: the systems that may call the API, each with its own credentials.",
        json_schema_extra={
            "only_with": {"authorizer": "cognito"},
            "allowed": "names of 1 to 40 lower-case letters, digits and hyphens, starting with a letter",
            "cost": "about 6 USD a month each",
            "consequence": "Each system gets an id and a secret (outputs token_clients, token_client_secrets). A "
            "removed system is locked out; then nobody can see its orders.",
        },
    )
    token_validity_seconds: int = Field(
        default=HOUR,
        ge=1,
        le=24 * HOUR,
        description="With cognito: how long a token is valid.",
        json_schema_extra={
            "only_with": {"authorizer": "cognito"},
            "allowed": "a whole number from 1 to 86400; on AWS at least 300",
            "cost": "a shorter time means more tokens, 2.25 USD per 1,000",
            "consequence": "A stolen token works until it expires, unless its client is removed.",
        },
    )
    jwt_issuer: str = Field(
        default="",
        pattern=r"^(https://[^\s?#]+)?$",
        description="With external: the `iss` of the tokens, a URL under which the OpenID configuration is published.",
        json_schema_extra={
            "only_with": {"authorizer": "external"},
            "allowed": "a URL that starts with https://, without query and fragment, or empty",
            "consequence": "Issuer and subject identify a caller: after a change of the issuer nobody can see earlier "
            "orders.",
        },
    )
    jwt_audiences: tuple[Audience, ...] = Field(
        default=(),
        description="With external: the accepted values of `aud`, or of `client_id` in a token without `aud`.",
        json_schema_extra={
            "only_with": {"authorizer": "external"},
            "allowed": "texts of 1 to 512 characters",
            "consequence": "A token for another audience gets 401, so that tokens for other services are refused.",
        },
    )
    jwt_write_scope: str = Field(
        default="",
        pattern=r"^[!#-\[\]-~]{0,256}$",
        description="With external: the scope that POST /orders needs; empty: any valid token is accepted.",
        json_schema_extra={
            "only_with": {"authorizer": "external"},
            "allowed": _SCOPE,
            "consequence": "A token without it gets 403.",
        },
    )
    jwt_read_scope: str = Field(
        default="",
        pattern=r"^[!#-\[\]-~]{0,256}$",
        description="With external: the scope that GET /orders/{order_id} needs; empty: any valid token is accepted.",
        json_schema_extra={
            "only_with": {"authorizer": "external"},
            "allowed": _SCOPE,
            "consequence": "A token without it gets 403.",
        },
    )
    cors_origins: tuple[Origin, ...] = Field(
        default=(),
        description="Origins of the web pages that may call the API from a browser.",
        json_schema_extra={
            "allowed": "origins such as https://shop.example.com or http://localhost:5173, or * alone",
            "cost": "a preflight is a request to the API, 1 USD per million",
            "consequence": "Pages of these origins can read answers. Only the authorizer stops "
            "callers that are not browsers.",
        },
    )
    api_idempotency_ttl_seconds: int = Field(
        default=DAY,
        ge=DAY,
        le=365 * DAY,
        description="How long an Idempotency-Key is stored; the API's documentation promises 24 h.",
    )
    throttle_rate: int = Field(
        default=100, ge=1, le=10_000, description="Limit of requests per second; above it the API answers 429."
    )
    throttle_burst: int = Field(
        default=200,
        ge=1,
        le=5_000,
        description="Requests that may arrive at the same time, in addition to throttle_rate.",
    )


def _anonymous(config: CallerOptions) -> Problem | None:
    """Production needs an authorizer or `allow_anonymous`. No stack may have both."""
    keys = ("authorizer", "allow_anonymous", "environment")
    if config.authorizer != "none":
        return (
            Problem(
                ("allow_anonymous", "authorizer"),
                f"true with authorizer = {config.authorizer}",
                "allow_anonymous: false, because callers are verified; or authorizer: none",
            )
            if config.allow_anonymous
            else None
        )
    if config.environment != "production" or config.allow_anonymous:
        return None
    allowed = (
        "cognito or external; or allow_anonymous: true (then anybody can order, and all callers count as one caller)"
    )
    return Problem(keys, "none in production", allowed)


def _cognito(config: CallerOptions) -> Iterator[Problem]:
    """A user pool needs clients. On AWS its tokens are valid for at least five minutes (Cognito's rule)."""
    if config.authorizer != "cognito":
        return
    if not config.token_clients:
        yield Problem(
            ("token_clients", "authorizer"),
            "no clients with authorizer = cognito",
            "at least one name, because otherwise nobody could call the API",
        )
    names = config.token_clients
    if doubled := sorted({name for name in names if names.count(name) > 1}):
        yield Problem(("token_clients",), f"{', '.join(map(repr, doubled))} twice", "each name once")
    if config.token_validity_seconds < MIN_COGNITO_VALIDITY_SECONDS and config.environment != "local":
        yield Problem(
            ("token_validity_seconds", "environment"),
            f"{config.token_validity_seconds} with environment {config.environment}",
            f"at least {MIN_COGNITO_VALIDITY_SECONDS} (Cognito's rule); less on the local stack only",
        )


def _external(config: CallerOptions) -> Problem | None:
    """Without audiences, tokens for other services would be accepted."""
    if config.authorizer != "external" or (config.jwt_issuer and config.jwt_audiences):
        return None
    missing = "jwt_audiences" if config.jwt_issuer else "jwt_issuer"
    return Problem(
        (missing, "authorizer"), f"no {missing} with authorizer = external", "both jwt_issuer and jwt_audiences"
    )


def _audiences(config: CallerOptions) -> Problem | None:
    """An authorizer accepts at most 50 audiences (a fixed quota of AWS). With cognito, each client is an audience."""
    key = {"cognito": "token_clients", "external": "jwt_audiences"}.get(config.authorizer, "")
    number = len(getattr(config, key)) if key else 0
    if number <= MAX_AUDIENCES:
        return None
    return Problem(
        (key, "authorizer"),
        f"{number} {'clients' if key == 'token_clients' else 'audiences'} with authorizer = {config.authorizer}",
        f"at most {MAX_AUDIENCES}, because an authorizer of API Gateway accepts no more audiences"
        f"{', and each client is an audience' if key == 'token_clients' else ''}",
    )


def _cors(config: CallerOptions) -> Iterator[Problem]:
    """`*` is not for production, and other origins beside it would have no effect."""
    origins = config.cors_origins
    if "*" in origins and len(origins) > 1:
        yield Problem(("cors_origins",), "* beside other origins", "either * alone or the origins by name")
    if "*" in origins and config.environment == "production":
        yield Problem(("cors_origins", "environment"), "* in production", "origins by name in production")


CALLER_RULES = (
    _anonymous,
    _cognito,
    _external,
    _audiences,
    _cors,
)
