"""The HTTP API, and its optional firewall and custom domain."""

from dataclasses import dataclass

import pulumi

from components.component import Scope
from components.custom_domain import CustomDomain, CustomDomainArgs, Domain
from components.edge import Edge, EdgeArgs
from components.http_api import Cors, HttpApi, HttpApiArgs, Route
from components.token_issuer import TokenIssuer
from pipeline.callers import authorizer_of, build_issuer, scopes_of
from pipeline.config import StackConfig
from pipeline.functions import API_FUNCTIONS, Functions
from pipeline.origin import HEADER


@dataclass(frozen=True)
class Api:
    """The API and its optional parts."""

    http: HttpApi
    issuer: TokenIssuer | None
    edge: Edge | None
    domain: CustomDomain | None

    @property
    def url(self) -> pulumi.Output[str]:
        """The URL for clients, without a trailing slash."""
        front = self.edge or self.domain
        return front.url if front else self.http.url

    @property
    def certificate_arn(self) -> pulumi.Output[str] | None:
        """The ARN of the custom domain's certificate, if there is a custom domain."""
        front = self.edge or self.domain
        return front.certificate_arn if front else None

    @property
    def dns_target(self) -> pulumi.Output[str] | None:
        """The host name to which a DNS record for the API points, if it has CloudFront or a custom domain."""
        front = self.edge or self.domain
        return front.target if front else None


def build_api(config: StackConfig, scope: Scope, functions: Functions) -> Api:
    """Create the API in front of the functions."""
    issuer = build_issuer(config, scope)
    http = _http_api(config, scope, functions, issuer)
    domain = _domain(config)
    return Api(
        http=http,
        issuer=issuer,
        edge=_edge(config, scope, functions, http, domain) if config.waf else None,
        domain=CustomDomain("api-domain", scope, CustomDomainArgs(domain=domain, api=http))
        if domain and not config.waf
        else None,
    )


def _http_api(config: StackConfig, scope: Scope, functions: Functions, issuer: TokenIssuer | None) -> HttpApi:
    return HttpApi(
        "api",
        scope,
        HttpApiArgs(
            routes=tuple(
                Route(
                    method=each.method,
                    path=each.path,
                    function=functions[each.name],
                    scopes=scopes_of(config, issuer, each.access),
                )
                for each in API_FUNCTIONS
            ),
            throttle_rate=config.throttle_rate,
            throttle_burst=config.throttle_burst,
            log_retention_days=config.log_retention_days,
            authorizer=authorizer_of(config, issuer),
            cors=_cors(config),
            # With `waf`, CloudFront sends its requests to the default endpoint, so this endpoint
            # stays open. The functions refuse requests that do not come through CloudFront.
            default_endpoint=config.waf or not config.domain_name,
        ),
    )


def _cors(config: StackConfig) -> Cors | None:
    if not config.cors_origins:
        return None
    verified = () if config.authorizer == "none" else ("authorization",)
    return Cors(
        origins=config.cors_origins,
        methods=tuple(sorted({each.method for each in API_FUNCTIONS})),
        request_headers=(*verified, "content-type", "idempotency-key", "traceparent", "x-correlation-id"),
        response_headers=("idempotent-replayed", "location", "retry-after", "x-correlation-id"),
    )


def _domain(config: StackConfig) -> Domain | None:
    if not config.domain_name:
        return None
    return Domain(name=config.domain_name, certificate_arn=config.domain_certificate_arn, zone_id=config.domain_zone_id)


def _edge(config: StackConfig, scope: Scope, functions: Functions, http: HttpApi, domain: Domain | None) -> Edge:
    return Edge(
        "edge",
        scope,
        EdgeArgs(
            origin_url=http.url,
            secret_header=HEADER,
            secret=config.origin_secret,
            rate_limit=config.waf_rate_limit,
            managed_rules=config.waf_managed_rules,
            log_retention_days=config.log_retention_days,
            domain=domain,
            accepting=(*(functions[each.name].alias for each in API_FUNCTIONS), http.stage),
        ),
    )
