"""Tests that the numbers in certain phrases of the pages equal the values of the configuration."""

import re
from collections.abc import Callable
from typing import Final

import pytest

from local.instance import ROOT
from pipeline.config import StackConfig
from pipeline.config.general import DAY, HOUR
from pipeline.config.processing import MIN_HORIZON_SECONDS, retry_delays

PAGES: Final = (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))


def _default(key: str, unit: int = 1) -> float:
    value = StackConfig.model_fields[key].default
    return float(value) / unit


def _horizon() -> float:
    """Return the shortest possible time from the first to the last receive, in seconds."""
    keys = ("retry_base_seconds", "retry_cap_seconds", "max_receive_count")
    return sum(retry_delays(*(int(_default(key)) for key in keys))) / 2


RETENTIONS: Final = (_default("queue_retention_seconds", DAY), _default("dlq_retention_seconds", DAY))
STATED: Final[dict[str, Callable[[], tuple[float, ...]]]] = {
    r"after (\d+) receives": lambda: (_default("max_receive_count"),),
    r"received exactly (\d+) times": lambda: (_default("max_receive_count"),),
    r"retention: (\d+) and (\d+) days by default": lambda: RETENTIONS,
    r"retention: (\d+) days in the orders queue; (\d+) days": lambda: RETENTIONS,
    r"in the queue for (\d+) days and in the dead-letter queue for (\d+)": lambda: RETENTIONS,
    r"worker remembers a published event for (\d+) days": lambda: (_default("worker_idempotency_ttl_seconds", DAY),),
    r"while the order's record exists \((\d+) days\)": lambda: (_default("worker_idempotency_ttl_seconds", DAY),),
    r"(?:under the key|as a replay) for (\d+) hours": lambda: (_default("api_idempotency_ttl_seconds", HOUR),),
    r"after (\d+) hours a key is forgotten": lambda: (_default("api_idempotency_ttl_seconds", HOUR),),
    r"retry horizon\]\(glossary\.md\) is (\d+) s with the defaults": lambda: (_horizon(),),
    r"less than (\d+) s is refused": lambda: (MIN_HORIZON_SECONDS,),
    r"(?:span|is) at least (\d+) minutes": lambda: (MIN_HORIZON_SECONDS / 60,),
}


@pytest.mark.parametrize("phrase", STATED)
def test_the_numbers_in_a_phrase_equal_the_values_of_the_configuration(phrase: str) -> None:
    # GIVEN
    pattern = re.compile(phrase, re.IGNORECASE)

    # WHEN
    found = {(page.name, match.groups()) for page in PAGES for match in pattern.finditer(page.read_text())}

    # THEN
    assert found, "no page says this any more: remove the phrase from this test"
    assert [each for each in found if tuple(map(float, each[1])) != STATED[phrase]()] == []
