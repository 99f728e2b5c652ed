"""List prices of AWS in us-east-1, in USD, without free tiers, volume tiers and discounts. Other Regions differ."""

from decimal import Decimal
from typing import Final, NamedTuple

AS_OF: Final = "2026-11-26"
"""When the table was last looked through."""
REGION: Final = "us-east-1"


class Price(NamedTuple):
    """One price.

    Attributes:
        usd: For one `unit`.
        page: AWS's page that states it, below https://aws.amazon.com/.
        read: Whether a text that quotes that page was read on `AS_OF`; otherwise the figure is from memory.
    """

    usd: Decimal
    unit: str
    page: str
    read: bool


def _price(usd: str, unit: str, page: str, *, read: bool = False) -> Price:
    return Price(Decimal(usd), unit, f"{page}/pricing/", read)


PRICES: Final = {
    "api request": _price("1.00", "1,000,000 requests", "api-gateway"),
    "lambda request": _price("0.20", "1,000,000 invocations", "lambda", read=True),
    "arm64": _price("0.0000133334", "GB-second", "lambda", read=True),
    "x86_64": _price("0.0000166667", "GB-second", "lambda", read=True),
    "arm64, provisioned": _price("0.0000033334", "GB-second kept ready", "lambda"),
    "x86_64, provisioned": _price("0.0000041667", "GB-second kept ready", "lambda"),
    "snapshot": _price("0.0000015046", "GB-second of a published version", "lambda"),
    "write unit": _price("0.625", "1,000,000 write request units", "dynamodb", read=True),
    "read unit": _price("0.125", "1,000,000 read request units", "dynamodb", read=True),
    "table storage": _price("0.25", "GB-month", "dynamodb"),
    "point-in-time recovery": _price("0.20", "GB-month", "dynamodb"),
    "sqs request": _price("0.40", "1,000,000 requests", "sqs"),
    "sqs fifo request": _price("0.50", "1,000,000 requests", "sqs"),
    "sns publish": _price("0.50", "1,000,000 messages of 64 KB", "sns", read=True),
    "sns fifo publish": _price("0.30", "1,000,000 messages", "sns", read=True),
    "sns https": _price("0.60", "1,000,000 deliveries", "sns", read=True),
    "sns email": _price("20.00", "1,000,000 deliveries", "sns", read=True),
    "event": _price("1.00", "1,000,000 events of 64 KB", "eventbridge"),
    "log ingestion": _price("0.50", "GB", "cloudwatch", read=True),
    "log storage": _price("0.03", "GB-month", "cloudwatch"),
    "custom metric": _price("0.30", "month, by the hours with data", "cloudwatch", read=True),
    "dashboard": _price("3.00", "month", "cloudwatch", read=True),
    "alarm metric": _price("0.10", "month", "cloudwatch", read=True),
    "composite alarm": _price("0.50", "month", "cloudwatch"),
    "trace": _price("5.00", "1,000,000 traces recorded", "xray", read=True),
    "kms key": _price("1.00", "month", "kms"),
    "kms call": _price("3.00", "1,000,000 calls", "kms"),
    "cognito client": _price("6.00", "month", "cognito"),
    "cognito token": _price("2250", "1,000,000 tokens", "cognito"),
    "hosted zone": _price("0.50", "month", "route53"),
    "web acl": _price("5.00", "month", "waf"),
    "waf rule": _price("1.00", "month", "waf"),
    "waf request": _price("0.60", "1,000,000 requests", "waf"),
    "cloudfront request": _price("1.00", "1,000,000 HTTPS requests", "cloudfront"),
}


def usd(name: str) -> Decimal:
    """The price of one unit; of one request where the list has it for a million."""
    price = PRICES[name]
    return price.usd / 1_000_000 if price.unit.startswith("1,000,000 ") else price.usd
