"""What a stack can decide about its API: who may call it, from where, under which name, and what stands in front."""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, Field, SecretStr

HOUR = 3_600
MIN_SECRET_LENGTH = 32

_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
Origin = Annotated[str, Field(pattern=rf"^(\*|https://({_LABEL}\.)+[a-z]+(:\d+)?|http://localhost(:\d+)?)$")]
ClientName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,39}$")]
Audience = Annotated[str, Field(min_length=1, max_length=512)]
_SECRET_LIMITS = f"{MIN_SECRET_LENGTH} to 256 letters, digits, - and _, as from: openssl rand -hex 32"


def _long_enough(secret: SecretStr) -> SecretStr:
    text = secret.get_secret_value()
    if text and not re.fullmatch(rf"[A-Za-z0-9_-]{{{MIN_SECRET_LENGTH},256}}", text):
        # Never the text itself: messages end in logs.
        raise ValueError(f"given {len(text)} characters; allowed: {_SECRET_LIMITS}")
    return secret


Secret = Annotated[SecretStr, AfterValidator(_long_enough)]


class ApiOptions(BaseModel):
    """The API's part of `StackConfig`."""

    authorizer: Literal["none", "cognito", "external"] = Field(
        default="none",
        description="Who verifies callers: nobody, a Cognito user pool made here, or an issuer that you have.",
        json_schema_extra={
            "cost": "cognito: about 6 USD a month per client plus 2.25 USD per 1,000 tokens; external: nothing",
            "consequence": "Without it everybody is one caller and sees all orders. With it a request without a valid "
            "token is 401, and callers never see each other's orders or keys.",
        },
    )
    token_clients: tuple[ClientName, ...] = Field(
        default=(),
        description="With cognito: systems that may order, each a caller with credentials of its own.",
        json_schema_extra={
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
            "cost": "shorter means more tokens, 2.25 USD per 1,000",
            "consequence": "Tokens cannot be recalled: a client that is removed goes on for so long.",
        },
    )
    jwt_issuer: str = Field(
        default="",
        pattern=r"^(https://[^\s?#]+)?$",
        description="With external: the `iss` of its tokens; its OpenID configuration is read from there.",
        json_schema_extra={
            "allowed": "a URL that starts with https://, without query and fragment, or empty",
            "consequence": "Callers are told apart by issuer and subject: with another issuer nobody finds the orders "
            "made before.",
        },
    )
    jwt_audiences: tuple[Audience, ...] = Field(
        default=(),
        description="With external: what `aud` (or, without one, `client_id`) may be.",
        json_schema_extra={
            "allowed": "texts of 1 to 512 characters",
            "consequence": "A token for another audience is 401, so that tokens for other services do not open this.",
        },
    )
    jwt_write_scope: str = Field(
        default="",
        pattern=r"^[!#-\[\]-~]{0,256}$",
        description="With external: the scope that POST /orders needs; empty: any valid token will do.",
        json_schema_extra={"allowed": "one scope without spaces, or empty", "consequence": "Without it: 403."},
    )
    jwt_read_scope: str = Field(
        default="",
        pattern=r"^[!#-\[\]-~]{0,256}$",
        description="With external: the scope that GET /orders/{order_id} needs; empty: any valid token will do.",
        json_schema_extra={"allowed": "one scope without spaces, or empty", "consequence": "Without it: 403."},
    )

    cors_origins: tuple[Origin, ...] = Field(
        default=(),
        description="Web pages' origins that may call the API from a browser.",
        json_schema_extra={
            "allowed": "origins such as https://shop.example.com or http://localhost:5173, or * alone",
            "cost": "a preflight is a request to the API, 1 USD per million",
            "consequence": "Pages of these origins read answers; it keeps nobody else out, that is the authorizer's.",
        },
    )

    domain_name: str = Field(
        default="",
        pattern=rf"^(({_LABEL}\.)+[a-z]{{2,63}})?$",
        description="Name that clients use instead of AWS's.",
        json_schema_extra={
            "allowed": "a host name such as orders.example.com, or empty",
            "cost": "nothing but the zone, 0.50 USD a month",
            "consequence": "The default endpoint is closed (with waf: answers through the edge only).",
        },
    )
    domain_certificate_arn: str = Field(
        default="",
        pattern=r"^(arn:aws[a-z-]*:acm:[a-z0-9-]+:\d{12}:certificate/[a-z0-9-]+)?$",
        description="Certificate for the domain; empty: one is made and validated through domain_zone_id.",
        json_schema_extra={
            "allowed": "the ARN of an ACM certificate, or empty",
            "consequence": "Yours to renew, unless ACM does. With waf it must be in us-east-1.",
        },
    )
    domain_zone_id: str = Field(
        default="",
        pattern=r"^(Z[A-Z0-9]{1,31})?$",
        description="Route 53 zone of the domain; empty: you point the name at the output domain_target yourself.",
        json_schema_extra={
            "allowed": "a hosted zone's id such as Z0123456789ABCDEFGHIJ, or empty",
            "consequence": "Records for the name and for the certificate's validation are made there.",
        },
    )

    waf: bool = Field(
        default=False,
        description="Puts CloudFront with a web application firewall in front of the API.",
        json_schema_extra={
            "cost": "about 9 USD a month (one web ACL, four rules) plus about 1.60 USD per million requests",
            "consequence": "Functions refuse with 403 what does not come through it. Changes take minutes to spread.",
        },
    )
    waf_rate_limit: int = Field(
        default=2_000,
        ge=10,
        le=2_000_000_000,
        description="With waf: requests in five minutes from one address, above which it gets 403.",
        json_schema_extra={"consequence": "Many clients behind one address share it."},
    )
    waf_managed_rules: Literal["block", "count"] = Field(
        default="block",
        description="With waf: whether AWS's managed rules refuse requests, or only count them to try them out.",
        json_schema_extra={"consequence": "The rate limit refuses in either case."},
    )
    origin_secret: Secret = Field(
        default=SecretStr(""),
        description="With waf: what CloudFront proves itself with to the functions. Set it with --secret.",
        json_schema_extra={
            "allowed": _SECRET_LIMITS,
            "consequence": "Who knows it gets around the firewall: rotate it (docs/edge.md).",
        },
    )
    origin_secret_also_accepted: Secret = Field(
        default=SecretStr(""),
        description="With waf: a second secret that functions accept, while one is replaced. Set it with --secret.",
        json_schema_extra={"allowed": _SECRET_LIMITS, "consequence": "Leave it empty once the rotation is over."},
    )

    api_warm_start: Literal["none", "snap_start", "provisioned"] = Field(
        default="none",
        description="What spares callers cold starts: nothing, snapshots after init, or instances kept ready.",
        json_schema_extra={
            "cost": "snap_start: about 4 USD a month per GB of memory for each function's version, and 0.14 USD per "
            "1,000 resumes of 1 GB; provisioned: about 9 USD a month per GB and instance on arm64 (11 on x86_64)",
            "consequence": "snap_start: Python 3.12 or newer; a new version takes minutes to publish. provisioned: "
            "calls beyond the instances start cold as ever. What either means for deploys: docs/delivery.md.",
        },
    )
    api_provisioned_concurrency: int = Field(
        default=1,
        ge=1,
        le=1_000,
        description="With api_warm_start: provisioned: instances of each API function that are kept ready.",
        json_schema_extra={
            "cost": "each about 9 USD a month per GB on arm64",
            "consequence": "They count against the account's concurrency and against api_reserved_concurrency.",
        },
    )

    trace_group: bool = Field(
        default=False,
        description="With tracing: an X-Ray group of this stack's traces that failed or were slow.",
        json_schema_extra={
            "cost": "nothing beyond tracing",
            "consequence": "One click to what went wrong. Which requests are sampled is Lambda's: one a second and 5 % "
            "of the rest, and no sampling rule changes that.",
        },
    )
