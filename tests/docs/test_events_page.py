"""Tests docs/events.md: the examples are a valid configuration, and the delivery limits equal those in the code."""

import json
import re
from pathlib import Path

from components.event_subscription import MAX_EVENT_AGE_SECONDS, MAX_RETRIES
from tests.infra.config_factory import parsed

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "events.md").read_text(encoding="utf-8")


def test_the_examples_are_a_valid_configuration() -> None:
    # GIVEN
    items = re.findall(r'^  - "(.*)"$', PAGE, flags=re.MULTILINE)

    # WHEN
    config = parsed(events_target="bus", subscriptions=json.dumps(items))

    # THEN
    assert [each.name for each in config.subscriptions] == ["everything", "rejections", "dollars", "fraud"]
    assert all(each.event_pattern for each in config.subscriptions[1:])


def test_the_page_and_the_code_have_the_same_limits_of_delivery() -> None:
    # GIVEN / WHEN / THEN
    assert f"{MAX_EVENT_AGE_SECONDS // 3600} hours or {MAX_RETRIES} retries" in PAGE
