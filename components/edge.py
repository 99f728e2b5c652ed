"""CloudFront with a web application firewall in front of an API.

A firewall cannot be attached to an HTTP API itself, and the API's own address stays reachable. So CloudFront adds a
header with a secret to each request, and the functions behind the API refuse requests without it.
"""

# Without this import, Python would evaluate the annotations and so load some of the provider's largest modules.
from __future__ import annotations

from typing import ClassVar, Literal

import pulumi
import pulumi_aws as aws
from pydantic import Field, SecretStr

from components.component import Args, Component, Scope
from components.custom_domain import Domain, alias_records, certificate_arn
from components.edge_rules import logged_requests, web_acl_rules, whole_bodies

# The Region of CloudFront's certificates, firewalls and logs, wherever the stack is.
REGION = "us-east-1"
# AWS's managed policies; their ids are the same in all accounts.
CACHING_DISABLED = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
ALL_VIEWER_EXCEPT_HOST_HEADER = "b689b0a8-53d0-40ab-baf2-68738e2966ac"
# The Route 53 zone of all CloudFront distributions, for alias records.
CLOUDFRONT_ZONE = "Z2FDTNDATAQYW2"
ORIGIN_SECONDS = 30
"""Seconds that CloudFront waits for an answer: at least as long as the API may need."""


class EdgeArgs(Args):
    """Settings of the edge: its limits, the API behind it, and the secret that the edge sends."""

    origin_url: pulumi.Output[str] = Field(description="The API's own address, `https://…`.")
    secret_header: str = Field(
        description="Header that carries the secret; a client's header of the same name is replaced."
    )
    secret: SecretStr = Field(description="Proves to the origin that a request came through the edge.")
    accepting: tuple[pulumi.Resource, ...] = Field(
        description="Resources that check the secret: the edge sends a new secret only after they accept it."
    )
    rate_limit: int = Field(ge=10, description="Limit of requests from one address in five minutes; more are refused.")
    managed_rules: Literal["block", "count"] = Field(
        description="Whether AWS's managed rules refuse requests or only count them. Some rules "
        "only count requests in both cases."
    )
    log_retention_days: int = Field(description="How long refused and counted requests are kept.")
    domain: Domain | None = Field(default=None, description="Custom domain name; its certificate is in us-east-1.")


class Edge(Component):
    """The distribution with its firewall. Outputs: `url`, `target` (what a custom name's DNS record points at)."""

    kind: ClassVar[str] = "Edge"

    def __init__(self, name: str, scope: Scope, args: EdgeArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, scope, opts)
        domain = args.domain
        self.certificate_arn = (
            pulumi.Output.from_input(certificate_arn(self, domain, region=REGION)) if domain else None
        )
        firewall = self._firewall(args)
        self._log(firewall, args.log_retention_days)
        distribution = self._distribution(firewall, args)
        self.target = distribution.domain_name
        if args.domain:
            alias_records(self, args.domain, self.target, pulumi.Output.from_input(CLOUDFRONT_ZONE), ("A", "AAAA"))
        self.url = pulumi.Output.concat("https://", args.domain.name if args.domain else self.target)
        self.register_outputs({"url": self.url, "target": self.target})

    def _firewall(self, args: EdgeArgs) -> aws.wafv2.WebAcl:
        return aws.wafv2.WebAcl(
            f"{self.logical_name}-firewall",
            aws.wafv2.WebAclArgs(
                name=self.scope.name(self.logical_name),
                scope="CLOUDFRONT",
                region=REGION,
                default_action=aws.wafv2.WebAclDefaultActionArgs(allow=aws.wafv2.WebAclDefaultActionAllowArgs()),
                rules=web_acl_rules(self.scope.name(self.logical_name), args.rate_limit, args.managed_rules),
                association_config=whole_bodies(),
                visibility_config=aws.wafv2.WebAclVisibilityConfigArgs(
                    cloudwatch_metrics_enabled=True,
                    metric_name=self.scope.name(self.logical_name),
                    # Samples would show headers and addresses to everybody who can use the console.
                    sampled_requests_enabled=False,
                ),
                tags=self.scope.tags,
            ),
            self.child(),
        )

    def _log(self, firewall: aws.wafv2.WebAcl, retention_days: int) -> None:
        group = aws.cloudwatch.LogGroup(
            f"{self.logical_name}-firewall-logs",
            aws.cloudwatch.LogGroupArgs(
                # WAF accepts only groups whose names begin with `aws-waf-logs-`.
                name=f"aws-waf-logs-{self.scope.name(self.logical_name)}",
                region=REGION,
                retention_in_days=retention_days,
                tags=self.scope.tags,
            ),
            self.child(),
        )
        aws.wafv2.WebAclLoggingConfiguration(
            f"{self.logical_name}-firewall-logging",
            logged_requests(firewall.arn, group.arn, REGION),
            self.child(),
        )

    def _distribution(self, firewall: aws.wafv2.WebAcl, args: EdgeArgs) -> aws.cloudfront.Distribution:
        return aws.cloudfront.Distribution(
            f"{self.logical_name}-distribution",
            aws.cloudfront.DistributionArgs(
                comment=self.scope.name(self.logical_name),
                enabled=True,
                is_ipv6_enabled=True,
                http_version="http2and3",
                price_class="PriceClass_100",
                aliases=[args.domain.name] if args.domain else None,
                web_acl_id=firewall.arn,
                origins=[_origin(args)],
                default_cache_behavior=aws.cloudfront.DistributionDefaultCacheBehaviorArgs(
                    target_origin_id="api",
                    allowed_methods=["GET", "HEAD", "OPTIONS", "PUT", "POST", "PATCH", "DELETE"],
                    cached_methods=["GET", "HEAD"],
                    # Each answer is for one caller, so nothing is cached.
                    cache_policy_id=CACHING_DISABLED,
                    # API Gateway finds the API by the API's own host name, so the viewer's Host header must not reach
                    # API Gateway.
                    origin_request_policy_id=ALL_VIEWER_EXCEPT_HOST_HEADER,
                    # Not redirect-to-https: a client would send its token unencrypted before it is redirected.
                    viewer_protocol_policy="https-only",
                ),
                restrictions=aws.cloudfront.DistributionRestrictionsArgs(
                    geo_restriction=aws.cloudfront.DistributionRestrictionsGeoRestrictionArgs(restriction_type="none")
                ),
                viewer_certificate=self._certificate(),
                tags=self.scope.tags,
            ),
            self.child(depends_on=list(args.accepting)),
        )

    def _certificate(self) -> aws.cloudfront.DistributionViewerCertificateArgs:
        if self.certificate_arn is None:
            return aws.cloudfront.DistributionViewerCertificateArgs(cloudfront_default_certificate=True)
        return aws.cloudfront.DistributionViewerCertificateArgs(
            acm_certificate_arn=self.certificate_arn,
            ssl_support_method="sni-only",
            minimum_protocol_version="TLSv1.2_2021",
        )


def _origin(args: EdgeArgs) -> aws.cloudfront.DistributionOriginArgs:
    return aws.cloudfront.DistributionOriginArgs(
        origin_id="api",
        domain_name=args.origin_url.apply(lambda url: url.removeprefix("https://")),
        custom_origin_config=aws.cloudfront.DistributionOriginCustomOriginConfigArgs(
            http_port=80,
            https_port=443,
            origin_protocol_policy="https-only",
            origin_ssl_protocols=["TLSv1.2"],
            origin_read_timeout=ORIGIN_SECONDS,
        ),
        custom_headers=[
            aws.cloudfront.DistributionOriginCustomHeaderArgs(
                name=args.secret_header, value=pulumi.Output.secret(args.secret.get_secret_value())
            )
        ],
    )
