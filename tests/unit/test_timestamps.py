"""Tests how times are stored and sent."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone

import pytest

from runtime.models.fields import from_timestamp, to_timestamp


@pytest.fixture
def _in_tokyo(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Set the local time zone of the process to one that is not UTC."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "JST-9")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("_in_tokyo")
@pytest.mark.parametrize("zone", [UTC, timezone(timedelta(hours=9)), timezone(timedelta(hours=-5))])
def test_a_time_of_any_zone_is_written_in_utc(zone: timezone) -> None:
    # GIVEN a moment in some zone
    moment = datetime(2026, 1, 31, 12, 0, 0, 250_999, tzinfo=UTC).astimezone(zone)
    # WHEN
    written = to_timestamp(moment)
    # THEN the text is in UTC and cut to milliseconds
    assert written == "2026-01-31T12:00:00.250Z"
    # AND `from_timestamp` returns the moment without the part that was cut
    assert from_timestamp(written) == moment.replace(microsecond=250_000)
