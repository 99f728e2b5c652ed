"""Options of the callers: who may call the API, from which pages, and how much."""

from typing import Annotated, Literal

from pydantic import Field

from pipeline.config.general import DAY, HOUR, LABEL, GeneralOptions
from pipeline.config.problems import Problem

MIN_COGNITO_VALIDITY_SECONDS = 300
MAX_AUDIENCES = 50

Origin = Annotated[str, Field(pattern=rf"^(\*|https://({LABEL}\.)+[a-z]+(:\d+)?|http://localhost(:\d+)?)$")]
ClientName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,39}$")]
Audience = Annotated[str, Field(min_length=1, max_length=512)]


class CallerOptions(GeneralOptions):
    """Callers of the API."""

    authorizer: Literal["none", "cognito", "external"] = Field(
        default="none",
        description="Who verifies callers: nobody, a Cognito user pool made here, or an issuer that you have.",
        json_schema_extra={
            "cost": "cognito: about 6 USD a month per client plus 2.25 USD per 1,000 tokens; external: nothing",
            "consequence": "Without it everybody is one caller and sees all orders. With it a request without a valid "
            "token is 401, and callers never see each other's orders or keys.",
        },
    )
    allow_anonymous: bool = Field(
        default=False,
        description="Lets a production API run without an authorizer: anybody may order, and all are one caller.",
    )
    token_clients: tuple[ClientName, ...] = Field(
        default=(),
        description="With cognito: systems that may order, each a caller with credentials of its own.",
        json_schema_extra={
            "only_with": {"authorizer": "cognito"},
            "allowed": "names of lower-case letters, digits and hyphens, at most 40 long",
            "cost": "about 6 USD a month each",
            "consequence": "Each gets an id and a secret (output token_clients). Removing one locks it out, and its "
            "orders stay its own.",
        },
    )
    token_validity_seconds: int = Field(
        default=HOUR,
        ge=1,
        le=24 * HOUR,
        description="With cognito: how long a token is valid.",
        json_schema_extra={
            "only_with": {"authorizer": "cognito"},
            "cost": "shorter means more tokens, 2.25 USD per 1,000",
            "consequence": "Tokens cannot be recalled: a removed client's last one works until it expires.",
        },
    )
    jwt_issuer: str = Field(
        default="",
        pattern=r"^(https://[^\s?#]+)?$",
        description="With external: the `iss` of its tokens; its OpenID configuration is read from there.",
        json_schema_extra={
            "only_with": {"authorizer": "external"},
            "allowed": "a URL that starts with https://, without query and fragment, or empty",
            "consequence": "Callers are told apart by issuer and subject: with another issuer nobody finds the orders "
            "made before.",
        },
    )
    jwt_audiences: tuple[Audience, ...] = Field(
        default=(),
        description="With external: what `aud` (or, without one, `client_id`) may be.",
        json_schema_extra={
            "only_with": {"authorizer": "external"},
            "allowed": "texts of 1 to 512 characters",
            "consequence": "A token for another audience is 401, so that tokens for other services are refused.",
        },
    )
    jwt_write_scope: str = Field(
        default="",
        pattern=r"^[!#-\[\]-~]{0,256}$",
        description="With external: the scope that POST /orders needs; empty: any valid token will do.",
        json_schema_extra={
            "only_with": {"authorizer": "external"},
            "allowed": "one scope without spaces, or empty",
            "consequence": "Without it: 403.",
        },
    )
    jwt_read_scope: str = Field(
        default="",
        pattern=r"^[!#-\[\]-~]{0,256}$",
        description="With external: the scope that GET /orders/{order_id} needs; empty: any valid token will do.",
        json_schema_extra={
            "only_with": {"authorizer": "external"},
            "allowed": "one scope without spaces, or empty",
            "consequence": "Without it: 403.",
        },
    )
    cors_origins: tuple[Origin, ...] = Field(
        default=(),
        description="Web pages' origins that may call the API from a browser.",
        json_schema_extra={
            "allowed": "origins such as https://shop.example.com or http://localhost:5173, or * alone",
            "cost": "a preflight is a request to the API, 1 USD per million",
            "consequence": "Pages of these origins can read answers. Only the authorizer keeps others out.",
        },
    )
    api_idempotency_ttl_seconds: int = Field(
        default=DAY,
        ge=DAY,
        le=365 * DAY,
        description="How long an Idempotency-Key is remembered; clients are told 24 h.",
    )
    throttle_rate: int = Field(
        default=100, ge=1, le=10_000, description="Requests per second above which 429 is answered."
    )
    throttle_burst: int = Field(default=200, ge=1, le=5_000, description="Requests that may come at once on top of it.")


def _anonymous(config: CallerOptions) -> Problem | None:
    """Production needs an authorizer, or somebody who says by name that it has none."""
    keys = ("authorizer", "allow_anonymous", "environment")
    if config.authorizer != "none":
        return (
            Problem(
                ("allow_anonymous", "authorizer"),
                f"true with authorizer = {config.authorizer}",
                "false, because callers are verified; or authorizer: none",
            )
            if config.allow_anonymous
            else None
        )
    if config.environment != "production" or config.allow_anonymous:
        return None
    allowed = (
        "cognito or external; or allow_anonymous: true, which says by name that anybody may order and that all "
        "callers are one"
    )
    return Problem(keys, "none in production", allowed)


def _cognito(config: CallerOptions) -> Problem | None:
    """A user pool's tokens need somebody to be for, and AWS issues none for less than five minutes."""
    if config.authorizer != "cognito":
        return None
    if not config.token_clients:
        return Problem(
            ("token_clients", "authorizer"),
            "none with authorizer = cognito",
            "at least one name, or nobody could ever call",
        )
    if len(set(config.token_clients)) != len(config.token_clients):
        return Problem(("token_clients",), "a name twice", "each name once")
    if config.token_validity_seconds >= MIN_COGNITO_VALIDITY_SECONDS or config.environment == "local":
        return None
    return Problem(
        ("token_validity_seconds", "environment"),
        f"{config.token_validity_seconds} with environment {config.environment}",
        f"at least {MIN_COGNITO_VALIDITY_SECONDS} (Cognito's rule); less on the local stack only",
    )


def _external(config: CallerOptions) -> Problem | None:
    """An issuer without audiences would let in tokens that were made for another service."""
    if config.authorizer != "external" or (config.jwt_issuer and config.jwt_audiences):
        return None
    missing = "jwt_audiences" if config.jwt_issuer else "jwt_issuer"
    return Problem(
        (missing, "authorizer"), f"no {missing} with authorizer = external", "both jwt_issuer and jwt_audiences"
    )


def _audiences(config: CallerOptions) -> Problem | None:
    """An authorizer knows fifty audiences, AWS's fixed quota; with cognito each client is one."""
    key = {"cognito": "token_clients", "external": "jwt_audiences"}.get(config.authorizer, "")
    number = len(getattr(config, key)) if key else 0
    if number <= MAX_AUDIENCES:
        return None
    return Problem(
        (key, "authorizer"),
        f"{number} with authorizer = {config.authorizer}",
        f"at most {MAX_AUDIENCES}: an authorizer of API Gateway takes no more audiences",
    )


def _cors(config: CallerOptions) -> Problem | None:
    """`*` is for trying out; beside it other origins mean nothing."""
    origins = config.cors_origins
    if "*" in origins and len(origins) > 1:
        return Problem(("cors_origins",), "* beside other origins", "either * alone or the origins by name")
    if "*" in origins and config.environment == "production":
        return Problem(("cors_origins", "environment"), "* in production", "origins by name in production")
    return None


CALLER_RULES = (
    _anonymous,
    _cognito,
    _external,
    _audiences,
    _cors,
)
