"""A TLS certificate that AWS renews automatically, because its validation record stays in DNS."""

from typing import ClassVar

import pulumi
import pulumi_aws as aws
from pydantic import Field

from components.component import Args, Component, Scope


class CertificateArgs(Args):
    """The certificate's name, and the zone that validates it."""

    domain_name: str = Field(description="The host name.")
    zone_id: str = Field(description="Route 53 zone for the validation record, which stays there.")
    region: str | None = Field(
        default=None, description="Region of the certificate: `us-east-1` for CloudFront; by default the stack's."
    )


class Certificate(Component):
    """The certificate. Outputs: `arn`, known once the certificate has been issued."""

    kind: ClassVar[str] = "Certificate"

    def __init__(
        self, name: str, scope: Scope, args: CertificateArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(name, scope, opts)
        certificate = aws.acm.Certificate(
            f"{name}-certificate",
            aws.acm.CertificateArgs(
                domain_name=args.domain_name, validation_method="DNS", region=args.region, tags=scope.tags
            ),
            self.child(),
        )
        # One name needs one record; ACM chooses its values.
        option = certificate.domain_validation_options[0]
        record = aws.route53.Record(
            f"{name}-validation-record",
            aws.route53.RecordArgs(
                zone_id=args.zone_id,
                name=option.resource_record_name,
                type=option.resource_record_type,
                records=[option.resource_record_value],
                ttl=300,
                # A certificate for the same name in another region uses the same record.
                allow_overwrite=True,
            ),
            self.child(),
        )
        issued = aws.acm.CertificateValidation(
            f"{name}-validation",
            aws.acm.CertificateValidationArgs(
                certificate_arn=certificate.arn, validation_record_fqdns=[record.fqdn], region=args.region
            ),
            self.child(),
        )
        self.arn = issued.certificate_arn
        self.register_outputs({"arn": self.arn})
