"""Rules between the API's options."""

from typing import TYPE_CHECKING

from pydantic import SecretStr

from pipeline.config.problems import Problem

if TYPE_CHECKING:
    from pipeline.config.stack_config import StackConfig

MIN_COGNITO_VALIDITY_SECONDS = 300
MAX_AUDIENCES = 50
# Of the one name in a certificate's subject.
MAX_CERTIFICATE_NAME = 64


def idle_settings(config: "StackConfig") -> Problem | None:
    """A value that only matters together with an option that is off: it would silently do nothing."""
    needed = {
        "token_clients": ("authorizer", "cognito"),
        "token_validity_seconds": ("authorizer", "cognito"),
        "jwt_issuer": ("authorizer", "external"),
        "jwt_audiences": ("authorizer", "external"),
        "jwt_write_scope": ("authorizer", "external"),
        "jwt_read_scope": ("authorizer", "external"),
        "waf_rate_limit": ("waf", True),
        "waf_managed_rules": ("waf", True),
        "origin_secret": ("waf", True),
        "origin_secret_also_accepted": ("waf", True),
        "trace_group": ("tracing", True),
        "api_provisioned_concurrency": ("api_warm_start", "provisioned"),
    }
    fields = type(config).model_fields
    for key, (option, value) in needed.items():
        if getattr(config, key) != fields[key].default and getattr(config, option) != value:
            return Problem(
                (key, option),
                f"{_shown(config, key)} with {option} = {_text(getattr(config, option))}",
                f"it only has an effect with {option}: {_text(value)}; leave it out otherwise",
            )
    return None


def anonymous(config: "StackConfig") -> Problem | None:
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


def cognito(config: "StackConfig") -> Problem | None:
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


def external(config: "StackConfig") -> Problem | None:
    """An issuer without audiences would let in tokens that were made for another service."""
    if config.authorizer != "external" or (config.jwt_issuer and config.jwt_audiences):
        return None
    missing = "jwt_audiences" if config.jwt_issuer else "jwt_issuer"
    return Problem(
        (missing, "authorizer"), f"no {missing} with authorizer = external", "both jwt_issuer and jwt_audiences"
    )


def audiences(config: "StackConfig") -> Problem | None:
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


def cors(config: "StackConfig") -> Problem | None:
    """`*` is for trying out; beside it other origins mean nothing."""
    origins = config.cors_origins
    if "*" in origins and len(origins) > 1:
        return Problem(("cors_origins",), "* beside other origins", "either * alone or the origins by name")
    if "*" in origins and config.environment == "production":
        return Problem(("cors_origins", "environment"), "* in production", "origins by name in production")
    return None


def domain(config: "StackConfig") -> Problem | None:
    """A name needs a certificate, and a certificate that fits what answers to the name."""
    keys = ("domain_certificate_arn", "domain_zone_id")
    given = [key for key in keys if getattr(config, key)]
    if not config.domain_name:
        return Problem((*given, "domain_name"), f"{given[0]} without domain_name", "both or neither") if given else None
    if config.environment == "local":
        return Problem(("domain_name", "environment"), "a domain on the local stack", "none: nothing resolves it there")
    if not given:
        allowed = "domain_certificate_arn, or domain_zone_id to have one made and validated there, or both"
        return Problem((*keys, "domain_name"), "a domain without a certificate", allowed)
    if not config.domain_certificate_arn and len(config.domain_name) > MAX_CERTIFICATE_NAME:
        return Problem(
            ("domain_name", "domain_certificate_arn"),
            f"a name of {len(config.domain_name)} characters",
            f"at most {MAX_CERTIFICATE_NAME}, the longest that ACM makes a certificate for; or a certificate of yours",
        )
    region = config.domain_certificate_arn.split(":")[3] if config.domain_certificate_arn else ""
    if config.waf and region not in ("", "us-east-1"):
        return Problem(
            ("domain_certificate_arn", "waf"), f"a certificate in {region}", "one in us-east-1, where CloudFront looks"
        )
    return None


def edge(config: "StackConfig") -> Problem | None:
    """The firewall is only in front if nothing gets around it."""
    if not config.waf:
        return None
    current = config.origin_secret.get_secret_value()
    if not current:
        return Problem(
            ("origin_secret", "waf"),
            "none with waf = true",
            "a secret, or the API could be used around the firewall: "
            "pulumi config set --secret orders:origin_secret $(openssl rand -hex 32)",
        )
    if current == config.origin_secret_also_accepted.get_secret_value():
        return Problem(
            ("origin_secret_also_accepted", "origin_secret"), "the same secret twice", "another one, or none"
        )
    return None


def warm_start(config: "StackConfig") -> Problem | None:
    """What Lambda refuses: snapshots of an old Python, and more instances kept ready than a function may have."""
    if config.api_warm_start == "snap_start" and config.python_version == "3.11":
        return Problem(
            ("api_warm_start", "python_version"),
            "snap_start with python_version = 3.11",
            "snap_start with Python 3.12 or newer, the only ones that Lambda makes snapshots of",
        )
    most, ready = config.api_reserved_concurrency, config.api_provisioned_concurrency
    if config.api_warm_start != "provisioned" or most == -1 or ready <= most:
        return None
    return Problem(
        ("api_provisioned_concurrency", "api_reserved_concurrency"),
        f"{ready} instances kept ready of at most {most}",
        f"at most the {most} that are reserved, or api_reserved_concurrency: -1"
        + ("; a stopped API (0) takes api_warm_start: none" if most == 0 else ""),
    )


def _shown(config: "StackConfig", key: str) -> str:
    value = getattr(config, key)
    return "a secret" if isinstance(value, SecretStr) else f"{key} = {_text(value)}"


def _text(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)


API_RULES = (idle_settings, anonymous, cognito, external, audiences, cors, domain, edge, warm_start)
