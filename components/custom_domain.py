"""A custom domain name for an HTTP API."""

from typing import ClassVar

import pulumi
import pulumi_aws as aws
from pydantic import Field

from components.certificate import Certificate, CertificateArgs
from components.component import Args, Component, Scope
from components.http_api import HttpApi


class Domain(Args):
    """A name, its certificate, and where its DNS records go."""

    name: str = Field(description="Host name that clients use.")
    certificate_arn: str = Field(
        default="",
        description="ARN of the name's certificate; if empty, a certificate is created, which needs `zone_id`.",
    )
    zone_id: str = Field(default="", description="Route 53 zone of the name; if empty, no DNS records are created.")


class CustomDomainArgs(Args):
    """The name, and the API behind it."""

    domain: Domain
    api: HttpApi = Field(description="The API behind the name; this component leaves the API's default endpoint open.")


class CustomDomain(Component):
    """The domain name and its mapping to the API. Outputs: `url`, `target` (what the name's DNS record points at)."""

    kind: ClassVar[str] = "CustomDomain"

    def __init__(
        self, name: str, scope: Scope, args: CustomDomainArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(name, scope, opts)
        domain = args.domain
        self.certificate_arn = pulumi.Output.from_input(certificate_arn(self, domain, region=None))
        made = aws.apigatewayv2.DomainName(
            f"{name}-name",
            aws.apigatewayv2.DomainNameArgs(
                domain_name=domain.name,
                domain_name_configuration=aws.apigatewayv2.DomainNameDomainNameConfigurationArgs(
                    certificate_arn=self.certificate_arn,
                    endpoint_type="REGIONAL",
                    security_policy="TLS_1_2",
                ),
                tags=scope.tags,
            ),
            self.child(),
        )
        aws.apigatewayv2.ApiMapping(
            f"{name}-mapping",
            aws.apigatewayv2.ApiMappingArgs(api_id=args.api.api_id, domain_name=made.id, stage=args.api.stage_name),
            self.child(),
        )
        configuration = made.domain_name_configuration
        self.target = configuration.apply(lambda it: it.target_domain_name or "")
        alias_records(self, domain, self.target, configuration.apply(lambda it: it.hosted_zone_id or ""), ("A",))
        self.url = pulumi.Output.concat("https://", made.domain_name)
        self.register_outputs({"url": self.url, "target": self.target})


def certificate_arn(parent: Component, domain: Domain, *, region: str | None) -> pulumi.Input[str]:
    """Return the ARN of the given certificate; if none is given, create one."""
    if domain.certificate_arn:
        return domain.certificate_arn
    args = CertificateArgs(domain_name=domain.name, zone_id=domain.zone_id, region=region)
    return Certificate(f"{parent.logical_name}-tls", parent.scope, args, parent.child()).arn


def alias_records(
    parent: Component,
    domain: Domain,
    target: pulumi.Output[str],
    target_zone: pulumi.Output[str],
    types: tuple[str, ...],
) -> None:
    """Create records that point the name at `target`, if the domain has a zone."""
    for kind in types if domain.zone_id else ():
        aws.route53.Record(
            f"{parent.logical_name}-{kind.lower()}",
            aws.route53.RecordArgs(
                zone_id=domain.zone_id,
                name=domain.name,
                type=kind,
                aliases=[aws.route53.RecordAliasArgs(name=target, zone_id=target_zone, evaluate_target_health=False)],
            ),
            parent.child(),
        )
