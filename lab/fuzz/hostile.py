"""Makes hostile values of JSON, headers and attributes from a seed.

Most texts contain a unique mark. It shows whether an answer or a log repeats the text.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

from lab.benchmarks.refusals import SHAPES

SKU: Final = "SKU-MARKED"
PRICE: Final = "98765.43"
"""An article and a price that are easy to find in logs. No log line may contain them."""

_PATTERNS: Final = (
    "{}",
    "{}",
    "{}",
    "a{}\r\nInjected: b",
    '{}"}\n{"level":"INFO","message":"order accepted"}',
    "\x00{}\x1b[31m\u202e\u0085",
    "\ud800{}",
    "😀{}№",
    "%s%n{}{0}${jndi:ldap://x}",
    "<script>{}</script>",
    "../../{}",
    "{}" * 40,
    "{}" * 600,
)
_PLAIN: Final = (
    "",
    " ",
    "null",
    "0",
    "-1",
    "1e400",
    "EUR",
    "A",
    "\ufeff",
    "\u0661",
    "é" * 65,
    "k" * 256,
    "a,b",
    '"a"',
    '"a',
)
_NUMBERS: Final = (0, 1, -1, 2, 1000, 1001, 2**31, 2**63, -(2**63) - 1, 10**30, 1.0, 1.5, -0.0, 1e308, 10**400)
_RAW: Final = (
    "",
    " ",
    "{",
    "[1",
    "nul",
    '"\\u00',
    "NaN",
    '{"a":1,"a":2}',
    "\ufeff{}",
    "[" * 5000,
    '{"a":' * 300,
    "[" * 700 + "]" * 700,
    "9" * 5000,
)


@dataclass
class Hostile:
    """A source of hostile values.

    Attributes:
        random: The source of all choices.
        marks: The marks of all texts except names. A mark in an answer or a log line shows that the text was repeated.
        names: The marks of texts that are names of members. A problem document may repeat these names.
    """

    random: Random
    marks: set[str] = field(default_factory=set)
    names: set[str] = field(default_factory=set)

    def chance(self, share: float) -> bool:
        """Return True with this probability."""
        return self.random.random() < share

    def mark(self) -> str:
        """Return a new mark. Its `~` is allowed in an idempotency key, but in no order id, SKU or correlation id."""
        mark = f"~{self.random.getrandbits(40):010x}~"
        self.marks.add(mark)
        return mark

    def text(self) -> str:
        """Return a fixed text, or a text that is made from a pattern and contains a mark."""
        if self.chance(0.3):
            return self.random.choice(_PLAIN)
        return self.random.choice(_PATTERNS).replace("{}", self.mark())

    def name(self) -> str:
        """Return any text, for use as the name of a member."""
        name = self.text()
        found = {mark for mark in self.marks if mark in name}
        self.marks -= found
        self.names |= found
        return name

    def scalar(self) -> Any:
        """Return any JSON value except arrays and objects."""
        return self.random.choice((None, True, False, self.random.choice(_NUMBERS), self.text(), self.text()))

    def value(self, depth: int = 2) -> Any:
        """Return any JSON value."""
        kind = self.random.randrange(6) if depth else 0
        if kind == 4:
            return [self.value(depth - 1) for _ in range(self.random.randrange(3))]
        if kind == 5:
            return {self.name(): self.value(depth - 1) for _ in range(self.random.randrange(3))}
        return self.scalar()

    def near(self, value: Any, share: float) -> Any:
        """Return `value` with this share of its parts replaced, removed or extended."""
        if self.chance(share):
            return self.value()
        if isinstance(value, dict):
            kept = {name: self.near(part, share) for name, part in value.items() if not self.chance(share / 2)}
            return {**kept, self.name(): self.value()} if self.chance(share / 2) else kept
        if isinstance(value, list):
            kept_items = [self.near(part, share) for part in value if not self.chance(share / 2)]
            return kept_items * self.random.choice((2, 60)) if self.chance(share / 4) else kept_items
        return value

    def json(self, document: Any) -> str:
        """Return `document` as text, escaped or not, with or without line breaks, sometimes damaged."""
        text = json.dumps(document, ensure_ascii=self.chance(0.7), indent=self.random.choice((None, None, 2)))
        if self.chance(0.1):
            position = self.random.randrange(len(text) + 1)
            text = text[:position] + self.random.choice(("", ",", "}", '"', "\\", "\x00", "é")) + text[position + 1 :]
        return text

    def raw(self, document: Any) -> str:
        """Return a body: `document`, a text that is expensive to parse, or a text that is not JSON."""
        kind = self.random.random()
        if kind < 0.05:
            return self.random.choice(_RAW)
        if kind < 0.06:
            return SHAPES[self.random.choice(tuple(SHAPES))]
        if kind < 0.08:
            return self.text() + self.json(document)
        return self.json(document)

    def encoded(self, text: str) -> tuple[str, bool]:
        """Return an event's `body` and its flag `isBase64Encoded`, which is sometimes wrong."""
        if self.chance(0.8):
            return text, self.chance(0.02)
        data = text.encode("utf-16" if self.chance(0.1) else "utf-8", errors="surrogatepass")
        return base64.b64encode(data).decode(), not self.chance(0.05)

    def order(self, share: float) -> Any:
        """Return an order in which this share of the parts is hostile. If `share` is 0, the order is valid."""
        reference = {"reference": self.mark() + "№ 7"} if self.chance(0.5) else {}
        lines = [
            {"sku": SKU if number == 0 else f"SKU-{number}", "quantity": self.random.randint(1, 3), "unit_price": PRICE}
            for number in range(self.random.choice((1, 1, 2, 3, 50)))
        ]
        return self.near({"currency": self.random.choice(("EUR", "USD", "XTS")), "lines": lines, **reference}, share)
