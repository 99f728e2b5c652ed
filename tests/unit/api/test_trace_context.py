"""Tests which trace context is stored with an order."""

import pytest

from runtime.logic.trace_context import traceparent

MINE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
XRAY = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1;Lineage=a87bd80c:0"
FROM_XRAY = "00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-01"


@pytest.mark.parametrize(
    ("header", "xray", "expected"),
    [
        (MINE, XRAY, MINE),
        (None, XRAY, FROM_XRAY),
        (None, XRAY.replace("Sampled=1", "Sampled=0"), FROM_XRAY[:-1] + "0"),
        (None, XRAY.partition(";Sampled")[0], FROM_XRAY[:-1] + "0"),
        (MINE.upper(), XRAY, FROM_XRAY),
        (MINE + "-more", None, None),
        (MINE.replace("4bf92f3577b34da6a3ce929d0e0e4736", "0" * 32), None, None),
        (None, "Root=1-5759e988-bd862e3fe1be46a994272793", None),
        (None, "nonsense", None),
        (None, None, None),
    ],
)
def test_the_segment_of_x_ray_is_used_if_there_is_no_well_formed_header(
    header: str | None, xray: str | None, expected: str | None
) -> None:
    # GIVEN / WHEN
    chosen = traceparent(header, xray)

    # THEN
    assert chosen == expected
