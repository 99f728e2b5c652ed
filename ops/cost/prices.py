"""List prices of AWS in us-east-1, in USD, without free tiers, volume tiers and discounts. Other Regions differ."""

from decimal import Decimal
from typing import Final, NamedTuple

AS_OF: Final = "2026-11-26"
"""Date of the table's last review."""
REGION: Final = "us-east-1"


class Price(NamedTuple):
    """One price.

    Attributes:
        usd: Price of one `unit`.
        page: AWS's page with the price, below https://aws.amazon.com/.
        read: The public source that was read on `AS_OF`, with the source's date if known; empty if no source was read.
    """

    usd: Decimal
    unit: str
    page: str
    read: str


def _price(usd: str, unit: str, page: str, read: str = "") -> Price:
    return Price(Decimal(usd), unit, f"{page}/pricing/", read)


_LIST: Final = "a public copy of AWS's price list"
_LAMBDA: Final = f"{_LIST}, 2025-10"
_SQS: Final = "cloudburn.io/blog/amazon-sqs-pricing, 2026-03"
_SNS: Final = "factualminds.com/blog/amazon-sns-pricing-publishes-fanout-protocols, 2026-06"
_CLOUDWATCH: Final = "factualminds.com/blog/amazon-cloudwatch-pricing-metrics-logs-alarms-dashboards, 2026-06"
_ALARM: Final = "c3x.dev/resources/aws/aws_cloudwatch_metric_alarm"
_WAF: Final = "c3x.dev/blog/aws-waf-cost-explained"
_UNITS: Final = "airbyte.com/data-engineering-resources/dynamodb-pricing, 2025-07"

PRICES: Final = {
    "api request": _price(
        "1.00",
        "1,000,000 requests",
        "api-gateway",
        "docs.aws.amazon.com/whitepapers/latest/best-practices-api-gateway-private-apis-integration",
    ),
    "lambda request": _price("0.20", "1,000,000 invocations", "lambda", _LAMBDA),
    "arm64": _price("0.0000133334", "GB-second", "lambda", _LAMBDA),
    "x86_64": _price("0.0000166667", "GB-second", "lambda", _LAMBDA),
    "arm64, provisioned": _price("0.0000033334", "GB-second kept ready", "lambda", _LAMBDA),
    "x86_64, provisioned": _price("0.0000041667", "GB-second kept ready", "lambda", _LAMBDA),
    "snapshot": _price("0.0000015046", "GB-second of a published version", "lambda", _LAMBDA),
    "write unit": _price("0.625", "1,000,000 write request units", "dynamodb", _UNITS),
    "read unit": _price("0.125", "1,000,000 read request units", "dynamodb", _UNITS),
    "write capacity": _price("0.00065", "hour of one write capacity unit", "dynamodb", _LIST),
    "read capacity": _price("0.00013", "hour of one read capacity unit", "dynamodb"),
    "table storage": _price("0.25", "GB-month", "dynamodb", "aws.amazon.com/dynamodb/pricing"),
    "point-in-time recovery": _price("0.20", "GB-month", "dynamodb", f"{_LIST}, us-west-2"),
    "sqs request": _price("0.40", "1,000,000 requests", "sqs", _SQS),
    "sqs fair request": _price(
        "0.10", "1,000,000 requests with a message group, charged in addition to the normal price", "sqs", _SQS
    ),
    "sqs fifo request": _price("0.50", "1,000,000 requests", "sqs", _SQS),
    "sns publish": _price("0.50", "1,000,000 messages of 64 KB", "sns", _SNS),
    "sns fifo publish": _price("0.30", "1,000,000 messages", "sns", _SNS),
    "sns https": _price("0.60", "1,000,000 deliveries", "sns", _SNS),
    "sns email": _price("20.00", "1,000,000 deliveries", "sns", _SNS),
    "event": _price(
        "1.00", "1,000,000 events of 64 KB", "eventbridge", "cloudburn.io/blog/amazon-eventbridge-pricing, 2026-03"
    ),
    "log ingestion": _price("0.50", "GB", "cloudwatch", _CLOUDWATCH),
    "log storage": _price(
        "0.03", "GB-month, compressed", "cloudwatch", "blog.raulnq.com/estimating-observability-costs-in-aws"
    ),
    "custom metric": _price(
        "0.30",
        "month; only the hours in which the metric has data are charged",
        "cloudwatch",
        "signoz.io/guides/cloudwatch-pricing, 2026-02",
    ),
    "dashboard": _price("3.00", "month", "cloudwatch", _CLOUDWATCH),
    "alarm metric": _price("0.10", "month", "cloudwatch", _ALARM),
    "composite alarm": _price("0.50", "month", "cloudwatch", _ALARM),
    "trace": _price("5.00", "1,000,000 traces recorded", "xray", "aws.amazon.com/cn/xray/pricing"),
    "kms key": _price("1.00", "month", "kms", "aws.amazon.com/kms/pricing"),
    "kms call": _price("3.00", "1,000,000 calls", "kms", "wring.co/blog/aws-kms-pricing-guide"),
    "cognito client": _price(
        "6.00",
        "month",
        "cognito",
        "rhythmictech.com/blog/the-aws-cognito-m2m-bill-has-come-due-what-you-need-to-know, 2025-05",
    ),
    "cognito token": _price(
        "2250",
        "1,000,000 tokens",
        "cognito",
        "cur.vantage-api.com/aws/amazoncognito/user-pools-m2m/cupm2mtokenrequestsfull, 2025-04",
    ),
    "hosted zone": _price("0.50", "month", "route53", "eatsip365.com/understanding-how-route-53-billing-works"),
    "web acl": _price("5.00", "month", "waf", _WAF),
    "waf rule": _price("1.00", "month", "waf", _WAF),
    "waf request": _price("0.60", "1,000,000 requests", "waf", _WAF),
    "cloudfront request": _price("1.00", "1,000,000 HTTPS requests", "cloudfront", _LIST),
}


def usd(name: str) -> Decimal:
    """Return the price of one unit, such as one request, even if the listed price is for 1,000,000 requests."""
    price = PRICES[name]
    return price.usd / 1_000_000 if price.unit.startswith("1,000,000 ") else price.usd
