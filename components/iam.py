"""IAM policies, built from grants. A grant allows exact actions on exact ARNs; the resource `*` needs a reason."""

import re
from collections.abc import Mapping, Sequence
from typing import Literal, Self

import pulumi
from pydantic import Field, model_validator

from components.component import Args, Scope, Text

_EXACT_ACTION = re.compile(r"[a-z0-9-]+:[A-Za-z]+")


def service_trust(service: Literal["lambda.amazonaws.com", "codedeploy.amazonaws.com"]) -> str:
    """Return the trust policy of a role that only this service can assume."""
    return (
        f'{{"Statement":[{{"Action":"sts:AssumeRole","Effect":"Allow","Principal":{{"Service":"{service}"}}}}],'
        '"Version":"2012-10-17"}'
    )


LAMBDA_TRUST = service_trust("lambda.amazonaws.com")


class Grant(Args):
    """Permission for a role to do exactly these actions on exactly these resources."""

    sid: str = Field(pattern=r"^[A-Za-z0-9]+$", description="Names the statement; unique within a role's policy.")
    actions: tuple[str, ...] = Field(min_length=1, description="IAM actions in full, e.g. `sqs:SendMessage`.")
    resources: tuple[Text, ...] = Field(min_length=1, description="ARNs the actions are allowed on.")
    reason: str = Field(
        default="",
        description="Why `*` is the narrowest resource. Required if `resources` contains `*`; empty otherwise.",
    )

    @model_validator(mode="after")
    def _exact(self) -> Self:
        loose = [action for action in self.actions if not _EXACT_ACTION.fullmatch(action)]
        if loose:
            raise ValueError(f"grant {self.sid}: given actions {loose}; allowed: exact ones such as sqs:SendMessage")
        everywhere = any(isinstance(resource, str) and resource == "*" for resource in self.resources)
        if everywhere != bool(self.reason):
            raise ValueError(f"grant {self.sid}: the resource * and a reason go together; set both or neither")
        return self

    def statement(self) -> dict[str, object]:
        """Return the statement of an identity policy in AWS's JSON form."""
        return {
            "Sid": self.sid,
            "Effect": "Allow",
            "Action": sorted(self.actions),
            "Resource": list(self.resources),
        }


TRACING = Grant(
    sid="XRay",
    actions=("xray:PutTraceSegments", "xray:PutTelemetryRecords"),
    resources=("*",),
    reason="X-Ray's two Put actions have no resource type, so a policy cannot limit them to a resource",
)


def sid(name: str) -> str:
    """Return a statement id for a component's name: `OrdersQueue` for `orders-queue`."""
    return "".join(part.capitalize() for part in re.split(r"[^A-Za-z0-9]+", name))


def identity_policy(grants: Sequence[Grant]) -> pulumi.Output[str]:
    """Return the JSON of a role's policy. Raises `ValueError` if two grants share a statement id."""
    sids = [grant.sid for grant in grants]
    doubled = sorted({each for each in sids if sids.count(each) > 1})
    if doubled:
        raise ValueError(f"statement ids {doubled} are given twice; join the grants that share an id")
    return document([grant.statement() for grant in grants])


def document(statements: Sequence[Mapping[str, object]]) -> pulumi.Output[str]:
    """Return a policy document as JSON with sorted keys."""
    body = {"Version": "2012-10-17", "Statement": list(statements)}
    return pulumi.Output.json_dumps(body, sort_keys=True, separators=(",", ":"))


def tls_only(scope: Scope, actions: Sequence[str], resource: Text) -> dict[str, object]:
    """Return the statement that denies `actions` without TLS, except from the scope's IP ranges."""
    condition: dict[str, dict[str, object]] = {"Bool": {"aws:SecureTransport": "false"}}
    if scope.plain_http_from:
        condition["NotIpAddress"] = {"aws:SourceIp": list(scope.plain_http_from)}
    return {
        "Sid": "TlsOnly",
        "Effect": "Deny",
        "Principal": "*",
        "Action": list(actions),
        "Resource": resource,
        "Condition": condition,
    }


def allow_service(
    service: Literal["sns.amazonaws.com", "events.amazonaws.com"], action: str, resource: Text, source_arn: Text
) -> dict[str, object]:
    """Return the statement that allows an AWS service one action, only on behalf of the resource `source_arn`."""
    return {
        "Sid": "NamedSource",
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": [action],
        "Resource": resource,
        "Condition": {"ArnEquals": {"aws:SourceArn": source_arn}},
    }
