"""Tests the JSON of a log line."""

from __future__ import annotations

import json
from decimal import Decimal

from aws_lambda_powertools.logging.formatter import LambdaPowertoolsFormatter

from runtime.observability import logger


def test_a_decimal_is_written_as_text_and_letters_beyond_ascii_are_not_escaped() -> None:
    # GIVEN a line with a Decimal, and with a word that has letters beyond ASCII
    line = {"message": "réservé", "left": Decimal("1.50")}
    formatter = logger.registered_formatter
    assert isinstance(formatter, LambdaPowertoolsFormatter)
    # WHEN it is written
    text = formatter.json_serializer(line)
    # THEN the Decimal is text, and the word is not escaped. So people can search for the word, and the line has fewer
    # bytes
    assert json.loads(text) == {"message": "réservé", "left": "1.50"}
    assert "réservé" in text


def test_only_the_line_of_a_cold_start_has_the_field_cold_start() -> None:
    # GIVEN lines of a new and of a warm instance
    formatter = logger.registered_formatter
    assert isinstance(formatter, LambdaPowertoolsFormatter)
    # WHEN they are written
    lines = [json.loads(formatter.json_serializer({"cold_start": cold})) for cold in (True, False)]
    # THEN only the first line has the field
    assert lines == [{"cold_start": True}, {}]
