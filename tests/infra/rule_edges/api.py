"""Edge cases of the rules on the API: callers, domain names, the firewall and warm starts."""

import json

from tests.infra.rule_edges.model import LOCAL, Edges

COGNITO = {"authorizer": "cognito", "token_clients": '["shop"]'}
EXTERNAL = {"authorizer": "external", "jwt_issuer": "https://id.example.com/", "jwt_audiences": '["orders"]'}
SECRET = "0123456789abcdef0123456789abcdef"
WAF = {"waf": "true", "origin_secret": SECRET}
CERTIFICATE = "arn:aws:acm:{region}:123456789012:certificate/1"
DOMAIN = {"domain_name": "orders.example.com"}

FIFTY = [f"c{number}" for number in range(50)]


def name_of(length: int) -> str:
    return f"{'a' * (length - len('.shop.example.com'))}.shop.example.com"


EDGES: Edges = {
    ("_settings_without_effect", "clients"): (
        {**EXTERNAL, "token_clients": '["shop"]'},
        COGNITO,
        "with authorizer: cognito",
    ),
    ("_settings_without_effect", "validity"): (
        {"token_validity_seconds": "600"},
        {"token_validity_seconds": "600", **COGNITO},
        "with authorizer: cognito",
    ),
    ("_settings_without_effect", "issuer"): (
        {"jwt_issuer": "https://id.example.com/"},
        EXTERNAL,
        "with authorizer: external",
    ),
    ("_settings_without_effect", "scope"): (
        {**COGNITO, "jwt_read_scope": "read"},
        {**EXTERNAL, "jwt_read_scope": "read"},
        "with authorizer: external",
    ),
    ("_settings_without_effect", "rate"): (
        {"waf_rate_limit": "100"},
        {**WAF, "waf_rate_limit": "100"},
        "with waf: true",
    ),
    ("_settings_without_effect", "secret"): ({"origin_secret": SECRET}, WAF, "with waf: true"),
    ("_settings_without_effect", "traces"): (
        {"trace_group": "true"},
        {"trace_group": "true", "tracing": "true"},
        "with tracing: true",
    ),
    ("_settings_without_effect", "ready instances"): (
        {"api_provisioned_concurrency": "2"},
        {"api_provisioned_concurrency": "2", "api_warm_start": "provisioned", "python_version": "3.11"},
        "with api_warm_start: provisioned",
    ),
    ("_warm_start", "old Python"): (
        {"api_warm_start": "snap_start", "python_version": "3.11"},
        {"api_warm_start": "snap_start", "python_version": "3.12"},
        "with Python 3.12 or newer",
    ),
    ("_warm_start", "more than reserved"): (
        {"api_warm_start": "provisioned", "api_provisioned_concurrency": "5", "api_reserved_concurrency": "4"},
        {"api_warm_start": "provisioned", "api_provisioned_concurrency": "4", "api_reserved_concurrency": "4"},
        "at most 4, the reserved concurrency",
    ),
    ("_warm_start", "stopped"): (
        {"api_warm_start": "provisioned", "api_reserved_concurrency": "0"},
        {"api_warm_start": "snap_start", "api_reserved_concurrency": "0"},
        "api_warm_start: none",
    ),
    ("_anonymous", "production"): (
        {"environment": "production"},
        {"environment": "production", "allow_anonymous": "true"},
        "then anybody can order",
    ),
    ("_anonymous", "verified"): (
        {"environment": "production", "allow_anonymous": "true", **COGNITO},
        {"environment": "production", **COGNITO},
        "false, because callers are verified",
    ),
    ("_cognito", "no client"): ({"authorizer": "cognito"}, COGNITO, "at least one name"),
    ("_cognito", "client twice"): (
        {**COGNITO, "token_clients": '["shop", "shop"]'},
        {**COGNITO, "token_clients": '["shop", "shop2"]'},
        "each name once",
    ),
    ("_cognito", "short validity"): (
        {**COGNITO, "token_validity_seconds": "299"},
        {**COGNITO, "token_validity_seconds": "300"},
        "at least 300",
    ),
    ("_cognito", "short validity locally"): (
        {**COGNITO, "token_validity_seconds": "2"},
        {**COGNITO, "token_validity_seconds": "2", **LOCAL},
        "on the local stack only",
    ),
    ("_audiences", "clients"): (
        {**COGNITO, "token_clients": json.dumps([*FIFTY, "shop"])},
        {**COGNITO, "token_clients": json.dumps(FIFTY)},
        "at most 50",
    ),
    ("_audiences", "external"): (
        {**EXTERNAL, "jwt_audiences": json.dumps([*FIFTY, "shop"])},
        {**EXTERNAL, "jwt_audiences": json.dumps(FIFTY)},
        "at most 50",
    ),
    ("_external", "issuer"): (
        {"authorizer": "external", "jwt_audiences": '["a"]'},
        EXTERNAL,
        "both jwt_issuer and jwt_audiences",
    ),
    ("_external", "audience"): (
        {"authorizer": "external", "jwt_issuer": "https://id.example.com"},
        EXTERNAL,
        "both jwt_issuer and jwt_audiences",
    ),
    ("_cors", "any origin and a named one"): (
        {"cors_origins": '["*", "https://shop.example.com"]'},
        {"cors_origins": '["*"]'},
        "either * alone",
    ),
    ("_cors", "any in production"): (
        {"cors_origins": '["*"]', "environment": "production", **COGNITO},
        {"cors_origins": '["https://shop.example.com"]', "environment": "production", **COGNITO},
        "by name in production",
    ),
    ("_domain", "certificate alone"): (
        {"domain_certificate_arn": CERTIFICATE.format(region="eu-west-1")},
        {**DOMAIN, "domain_certificate_arn": CERTIFICATE.format(region="eu-west-1")},
        "both or neither",
    ),
    ("_domain", "without certificate"): (
        DOMAIN,
        {**DOMAIN, "domain_zone_id": "Z123"},
        "then a certificate is created",
    ),
    ("_domain", "too long for ACM"): (
        {"domain_name": name_of(65), "domain_zone_id": "Z123"},
        {"domain_name": name_of(64), "domain_zone_id": "Z123"},
        "at most 64",
    ),
    ("_domain", "long, with a certificate"): (
        {"domain_name": name_of(70), "domain_zone_id": "Z123"},
        {"domain_name": name_of(70), "domain_certificate_arn": CERTIFICATE.format(region="eu-west-1")},
        "or a certificate of your own",
    ),
    ("_domain", "locally"): (
        {**DOMAIN, "domain_zone_id": "Z123", **LOCAL},
        {**DOMAIN, "domain_zone_id": "Z123"},
        "DNS would not resolve its name",
    ),
    ("_domain", "certificate's region"): (
        {**DOMAIN, **WAF, "domain_certificate_arn": CERTIFICATE.format(region="eu-west-1")},
        {**DOMAIN, **WAF, "domain_certificate_arn": CERTIFICATE.format(region="us-east-1")},
        "one in us-east-1",
    ),
    ("_edge", "no secret"): ({"waf": "true"}, WAF, "could bypass the firewall"),
    ("_edge", "same secret"): (
        {**WAF, "origin_secret_also_accepted": SECRET},
        {**WAF, "origin_secret_also_accepted": SECRET.upper()},
        "another secret, or none",
    ),
}
