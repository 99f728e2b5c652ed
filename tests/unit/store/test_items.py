"""Tests how a DynamoDB item is converted to Python values."""

from decimal import Decimal

import pytest

from runtime.store.items import from_item


@pytest.mark.parametrize(
    ("number", "value", "kind"),
    [
        ("3", 3, int),
        ("3.0", 3, int),
        ("-3", -3, int),
        ("1.5", Decimal("1.5"), Decimal),
        ("0.1", Decimal("0.1"), Decimal),
    ],
)
def test_a_whole_number_is_an_int_and_any_other_stays_exact(number: str, value: object, kind: type) -> None:
    # GIVEN an item with the number in an attribute, and in a map inside a list
    written = {"N": number}
    # WHEN
    read = from_item({"top": written, "list": {"L": [{"M": {"inner": written}}]}})
    # THEN
    assert read == {"top": value, "list": [{"inner": value}]}
    assert (type(read["top"]), type(read["list"][0]["inner"])) == (kind, kind)
