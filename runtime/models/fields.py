"""Field types that several models share, such as an SKU, a price or a time."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, Final

from pydantic import AfterValidator, Field

SCHEMA_VERSION: Final = 1
"""The version that this code writes into queue messages and orders, and the newest that it can read in a message."""

OLDEST_SCHEMA_VERSION: Final = 1
"""The oldest version of a queue message that this code can read; no queue still contains an older one."""

MAX_LINES: Final = 50
MAX_QUANTITY: Final = 1000

MAX_STRUCTURAL: Final = 750
"""A text with more `structural_characters` than this is not parsed. The longest order has fewer,
and a text with exactly this many is cheap to parse."""


def structural_characters(json_text: str) -> int:
    """Count `{`, `[`, `:` and `,` (RFC 8259, 2) without parsing, so those in strings count too."""
    return sum(map(json_text.count, "{[:,"))


TEST_CURRENCY: Final = "XTS"
"""ISO 4217's code for tests. Orders in this currency are processed like all others, but they do not count in the
metrics `OrderAccepted`, `OrderConfirmed`, `OrderRejected` and `AcceptedToSettledLatency`."""

Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$", description="ISO 4217 code, three capital letters.")]

Sku = Annotated[
    str,
    Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$",
        description="Stock keeping unit: 1-64 letters, digits, `.`, `_` or `-`; begins with a letter or digit.",
    ),
]

Quantity = Annotated[
    int, Field(ge=1, le=MAX_QUANTITY, description=f"Units ordered, a whole number from 1 to {MAX_QUANTITY}.")
]

# ISO 4217 has currencies with up to four decimals. With nine digits before the point, every total stays exact and far
# below the 38 digits of a DynamoDB number.
Money = Annotated[
    str,
    Field(
        pattern=r"^(0|[1-9][0-9]{0,8})(\.[0-9]{1,4})?$",
        description='A decimal string like "19.90": 9 digits before the point and 4 after it at most. Never a float.',
    ),
]

Total = Annotated[
    str, Field(pattern=r"^(0|[1-9][0-9]*)(\.[0-9]{1,4})?$", description="A decimal string, computed by the server.")
]

OrderId = Annotated[
    str,
    Field(
        pattern=r"^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$",
        description="UUIDv5 in lower case, derived from caller, key and body.",
    ),
]

Caller = Annotated[
    str, Field(pattern=r"^[0-9a-f]{64}$", description="SHA-256 (hex) over the JSON list [issuer, subject].")
]


def from_timestamp(timestamp: str) -> datetime:
    """Read a `Timestamp` or another ISO 8601 text. Raises `ValueError` for any other text."""
    return datetime.fromisoformat(timestamp)


def _real_moment(timestamp: str) -> str:
    # A pattern cannot check how many days a month has.
    try:
        from_timestamp(timestamp)
    except ValueError:
        # Python's error text would repeat the value.
        raise ValueError("there is no such day or time") from None
    return timestamp


Timestamp = Annotated[
    str,
    Field(
        pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z$",
        description="RFC 3339 in UTC with milliseconds, e.g. `2026-01-31T12:00:00.000Z`.",
    ),
    AfterValidator(_real_moment),
]

CorrelationId = Annotated[
    str,
    Field(
        pattern=r"^[A-Za-z0-9._:/=+-]{1,128}$",
        description="Identifies one request in its queue message, its event and its log lines.",
    ),
]


def _unicode(text: str) -> str:
    """Refuse a text that UTF-8 cannot express, because no table and no queue would accept it."""
    try:
        text.encode()
    except UnicodeEncodeError:
        # The message may be logged, so it does not contain the text.
        raise ValueError("must be valid Unicode") from None
    return text


TraceParent = Annotated[str, AfterValidator(_unicode)]
"""W3C trace context, passed on unchanged. Any text that can be stored is valid, so no order fails because of it."""


def printable(longest: int) -> Any:
    """Return the limits of a text that the client chooses: 1 to `longest` printable characters."""
    return Field(
        min_length=1,
        max_length=longest,
        # \p{C} (control, format, surrogate, unassigned) could disturb logs and terminals.
        pattern=r"^[^\p{C}]*$",
        # The published schema excludes only control characters, because not every validator of schemas knows \p{C}.
        json_schema_extra={"pattern": r"^[^\u0000-\u001f\u007f-\u009f]*$"},
    )


def to_timestamp(moment: datetime) -> str:
    """Write a timezone-aware `moment` as a `Timestamp`: a string, because it is stored and sent byte for byte."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def money(text: str) -> Decimal:
    """Read a `Money` or `Total` string exactly."""
    return Decimal(text)
