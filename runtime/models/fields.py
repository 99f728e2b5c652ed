"""Field types that several models share: one definition of what an SKU, a price or a time may look like."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, Final

from pydantic import AfterValidator, Field

SCHEMA_VERSION: Final = 1
"""The version of the queue message and of the stored order that this code writes; the newest that it knows."""

OLDEST_SCHEMA_VERSION: Final = 1
"""The oldest version of a queue message that this code knows: what may still wait in a queue or come by a redrive."""

MAX_LINES: Final = 50
MAX_QUANTITY: Final = 1000

MAX_STRUCTURAL: Final = 750
"""So many `structural_characters` are read: more than the longest order and its message have, little when refused."""


def structural_characters(json_text: str) -> int:
    """Count `{`, `[`, `:` and `,` (RFC 8259, 2) without parsing: those in texts count too."""
    return sum(map(json_text.count, "{[:,"))


TEST_CURRENCY: Final = "XTS"
"""ISO 4217's code for tests. Orders in it are processed like all others, and are in no count of orders."""

Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$", description="ISO 4217 code, three capital letters.")]

Sku = Annotated[
    str,
    Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$",
        description="Stock keeping unit: 1-64 letters, digits, `.`, `_` or `-`; begins with a letter or digit.",
    ),
]

Quantity = Annotated[int, Field(ge=1, le=MAX_QUANTITY, description="Units ordered, a whole number.")]

# Nine digits before the point and four after it (ISO 4217 knows currencies with up to four) keep every total exact
# and far inside the 38 digits of a DynamoDB number.
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
    """Read a `Timestamp`. Raises `ValueError` for anything else."""
    return datetime.fromisoformat(timestamp)


def _a_moment(timestamp: str) -> str:
    # No pattern knows how many days a month has.
    try:
        from_timestamp(timestamp)
    except ValueError:
        # Python's own text repeats what was sent.
        raise ValueError("there is no such day or time") from None
    return timestamp


Timestamp = Annotated[
    str,
    Field(
        pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z$",
        description="RFC 3339 in UTC with milliseconds, e.g. `2026-01-31T12:00:00.000Z`.",
    ),
    AfterValidator(_a_moment),
]

CorrelationId = Annotated[
    str,
    Field(
        pattern=r"^[A-Za-z0-9._:/=+-]{1,128}$",
        description="Follows one request through queue, worker, event and every log line.",
    ),
]


def _unicode(text: str) -> str:
    """Refuse half of a character: it has no UTF-8, so no table and no queue would take the text."""
    try:
        text.encode()
    except UnicodeEncodeError:
        # Never the text itself: messages end in logs.
        raise ValueError("must be valid Unicode") from None
    return text


TraceParent = Annotated[str, AfterValidator(_unicode)]
"""W3C trace context, passed on as it came: any text that can be stored, because no order should fail for it."""


def printable(longest: int) -> Any:
    """The limits of a client's own text: 1 to `longest` printable characters."""
    return Field(
        min_length=1,
        max_length=longest,
        # \p{C} (control, format, surrogate, unassigned) would end up in logs and tools of other people.
        pattern=r"^[^\p{C}]*$",
        # Published is what Python, JavaScript and Rust understand alike: control characters alone.
        json_schema_extra={"pattern": r"^[^\u0000-\u001f\u007f-\u009f]*$"},
    )


def to_timestamp(moment: datetime) -> str:
    """Write an aware `moment` as a `Timestamp`; strings, because they are stored and sent byte for byte."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def money(text: str) -> Decimal:
    """Read a `Money` or `Total` string exactly."""
    return Decimal(text)
