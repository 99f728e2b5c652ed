"""Settings of the alarms: the receivers and the address of the runbooks."""

import re
from dataclasses import dataclass
from typing import Self

from pydantic import Field

from components.component import Args

_FORMS = {
    "email": (r"[^@\s]+@[^@\s]+\.[^@\s]+", "an e-mail address"),
    "https": (r"https://[^\s/]+\S*", "a URL that starts with https://"),
    "sms": (r"\+\d{6,15}", "a phone number such as +4930123456"),
    "sqs": (r"arn:aws[a-z-]*:sqs:[a-z0-9-]+:\d{12}:[A-Za-z0-9_-]{1,80}", "the ARN of a standard queue"),
    "lambda": (r"arn:aws[a-z-]*:lambda:[a-z0-9-]+:\d{12}:function:\S+", "the ARN of a function"),
}
RECEIVER_FORM = "protocol=endpoint (email=address, https=URL, sms=+number, sqs=ARN or lambda=ARN)"


@dataclass(frozen=True)
class AlarmSubscription:
    """One receiver of one tier's alarms.

    Attributes:
        protocol: how SNS delivers, such as `https` for paging services. With `email`, SNS delivers
            nothing until a person confirms the subscription. A queue or function needs a policy
            that lets the topic send to it.
        endpoint: an address, an https URL, a phone number or an ARN, depending on the protocol.

    Raises:
        ValueError: the protocol is unknown, or the endpoint does not fit it.
    """

    protocol: str
    endpoint: str

    def __post_init__(self) -> None:
        if self.protocol not in _FORMS:
            raise ValueError(f"given protocol {self.protocol!r}; allowed: {RECEIVER_FORM}")
        pattern, form = _FORMS[self.protocol]
        if not re.fullmatch(pattern, self.endpoint):
            raise ValueError(f"given endpoint {self.endpoint!r} with protocol {self.protocol}; allowed: {form}")

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `protocol=endpoint`, e.g. `email=team@example.com`. Raises `ValueError` for anything else."""
        protocol, separator, endpoint = text.partition("=")
        if not separator:
            raise ValueError(f"given {text!r}; allowed: {RECEIVER_FORM}")
        return cls(protocol, endpoint)


class AlarmSettings(Args):
    """Settings of the alarms: where they are sent, and what they link to."""

    page: tuple[AlarmSubscription, ...] = Field((), description="Receivers of pages.")
    notify: tuple[AlarmSubscription, ...] = Field(
        (), description="Receivers of notices that the team reads in working hours."
    )
    ticket: tuple[AlarmSubscription, ...] = Field((), description="Receivers that open a task.")
    topic_kms_key_arn: str | None = Field(
        None,
        description="Customer managed key that encrypts the alarm topics. Its policy must allow "
        "`kms:Decrypt` and `kms:GenerateDataKey*` to `cloudwatch.amazonaws.com`; otherwise no alarm is delivered.",
    )
    runbook_base_url: str = Field(
        description="Base URL of the runbooks, readable for people on call; alarm descriptions link to them."
    )
