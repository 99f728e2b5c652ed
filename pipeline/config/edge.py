"""Options of the edge: a custom domain and a firewall."""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr

from pipeline.config.general import LABEL, GeneralOptions
from pipeline.config.problems import Problem

MIN_SECRET_LENGTH = 32
# ACM's limit for the length of a certificate's common name.
MAX_CERTIFICATE_NAME = 64
_SECRET_LIMITS = f"{MIN_SECRET_LENGTH} to 256 letters, digits, - and _, e.g. from: openssl rand -hex 32"


def _valid_secret(secret: SecretStr) -> SecretStr:
    text = secret.get_secret_value()
    if text and not re.fullmatch(rf"[A-Za-z0-9_-]{{{MIN_SECRET_LENGTH},256}}", text):
        # The message may be logged, so it does not contain the secret.
        raise ValueError(f"given {len(text)} characters; allowed: {_SECRET_LIMITS}")
    return secret


Secret = Annotated[SecretStr, AfterValidator(_valid_secret)]


class EdgeOptions(GeneralOptions):
    """Options of the domain and the firewall in front of the API."""

    domain_name: str = Field(
        default="",
        pattern=rf"^(({LABEL}\.)+[a-z]{{2,63}})?$",
        description="Host name that clients use instead of AWS's.",
        json_schema_extra={
            "allowed": "a host name such as orders.example.com, or empty",
            "cost": "0.50 USD a month for the zone, nothing else",
            "consequence": "Without waf, the default endpoint is closed. With waf, it accepts "
            "only CloudFront's requests.",
        },
    )
    domain_certificate_arn: str = Field(
        default="",
        pattern=r"^(arn:aws[a-z-]*:acm:[a-z0-9-]+:\d{12}:certificate/[a-z0-9-]+)?$",
        description="Certificate for the domain; if empty, Pulumi creates one and validates it through domain_zone_id.",
        json_schema_extra={
            "allowed": "the ARN of an ACM certificate, or empty",
            "consequence": "ACM does not renew an imported certificate. With waf, the certificate must be in "
            "us-east-1.",
        },
    )
    domain_zone_id: str = Field(
        default="",
        pattern=r"^(Z[A-Z0-9]{1,31})?$",
        description="Route 53 zone of the domain. If empty, create a record that points to the output domain_target.",
        json_schema_extra={
            "allowed": "a hosted zone's id such as Z0123456789ABCDEFGHIJ, or empty",
            "consequence": "Pulumi creates the records for the name and the certificate's validation in this zone.",
        },
    )
    waf: bool = Field(
        default=False,
        description="Puts CloudFront with a web application firewall in front of the API.",
        json_schema_extra={
            "cost": "about 9 USD a month (one web ACL, four rules) plus about 1.60 USD per million requests; "
            "each 16 KB of body beyond the first 16 KB adds 0.30 USD per million requests",
            "consequence": "Functions answer 403 to requests that bypass CloudFront. CloudFront "
            "applies changes after some minutes.",
        },
    )
    waf_rate_limit: int = Field(
        default=2_000,
        ge=10,
        le=2_000_000_000,
        description="With waf: limit of requests from one address in five minutes; above it the address gets 403.",
        json_schema_extra={"only_with": {"waf": True}, "consequence": "Clients behind one address share the limit."},
    )
    waf_managed_rules: Literal["block", "count"] = Field(
        default="block",
        description="With waf: whether AWS's managed rules block requests or only count them, for a trial.",
        json_schema_extra={"only_with": {"waf": True}, "consequence": "The rate limit blocks in either case."},
    )
    origin_secret: Secret = Field(
        default=SecretStr(""),
        description="With waf: the secret by which the functions recognise CloudFront. Set it with --secret.",
        json_schema_extra={
            "only_with": {"waf": True},
            "allowed": _SECRET_LIMITS,
            "consequence": "Clients with the secret can bypass the firewall, so rotate it after a leak (docs/edge.md).",
        },
    )
    origin_secret_also_accepted: Secret = Field(
        default=SecretStr(""),
        description="With waf: a second secret that functions accept during a rotation. Set it with --secret.",
        json_schema_extra={
            "only_with": {"waf": True},
            "allowed": _SECRET_LIMITS,
            "consequence": "Leave it empty after the rotation.",
        },
    )


def _domain(config: EdgeOptions) -> Problem | None:
    """A domain needs a certificate. With waf, the certificate must be in us-east-1."""
    keys = ("domain_certificate_arn", "domain_zone_id")
    given = [key for key in keys if getattr(config, key)]
    if not config.domain_name:
        return Problem((*given, "domain_name"), f"{given[0]} without domain_name", "both or neither") if given else None
    if config.environment == "local":
        return Problem(
            ("domain_name", "environment"),
            "a domain on the local stack",
            "no domain on the local stack, because DNS would not resolve its name",
        )
    if not given:
        allowed = "domain_certificate_arn, or domain_zone_id (then a certificate is created), or both"
        return Problem((*keys, "domain_name"), "a domain without a certificate", allowed)
    if not config.domain_certificate_arn and len(config.domain_name) > MAX_CERTIFICATE_NAME:
        return Problem(
            ("domain_name", "domain_certificate_arn"),
            f"a name of {len(config.domain_name)} characters",
            f"at most {MAX_CERTIFICATE_NAME}, ACM's limit; or a certificate of your own",
        )
    region = config.domain_certificate_arn.split(":")[3] if config.domain_certificate_arn else ""
    if config.waf and region not in ("", "us-east-1"):
        return Problem(
            ("domain_certificate_arn", "waf"),
            f"a certificate in {region}",
            "one in us-east-1, where CloudFront needs it",
        )
    return None


def _edge(config: EdgeOptions) -> Problem | None:
    """The firewall needs a secret, so that no request can bypass it."""
    if not config.waf:
        return None
    current = config.origin_secret.get_secret_value()
    if not current:
        return Problem(
            ("origin_secret", "waf"),
            "no secret with waf = true",
            "a secret, because without it requests could bypass the firewall: "
            "pulumi config set --secret origin_secret $(openssl rand -hex 32)",
        )
    if current == config.origin_secret_also_accepted.get_secret_value():
        return Problem(
            ("origin_secret_also_accepted", "origin_secret"), "the same secret twice", "another secret, or none"
        )
    return None


EDGE_RULES = (
    _domain,
    _edge,
)
