"""The dashboard draws every alarm's metrics and line, for two readers."""

import re
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from components.dashboard import Section, dashboard_body
from lab.simulation.cloudwatch.registered import LIMITS, THRESHOLDS, dashboard_args, register_dashboard
from pipeline.alarms import alarm_table

TABLE = alarm_table(THRESHOLDS, LIMITS, certificate=True)
RUNBOOKS = Path(__file__).parents[2] / "docs" / "runbooks"


def drawn() -> list[dict[str, Any]]:
    widgets: list[dict[str, Any]] = register_dashboard()["widgets"]
    return widgets


def test_every_alarm_is_drawn_once_with_its_line_and_title() -> None:
    # GIVEN / WHEN
    graphs = {w["properties"]["title"]: w["properties"] for w in drawn() if w["type"] == "metric"}

    # THEN
    assert {row.title for row in TABLE.alarms} <= set(graphs)
    assert len(graphs) == sum(w["type"] == "metric" for w in drawn())
    for row in TABLE.alarms:
        graph = graphs[row.title]
        assert graph["annotations"]["horizontal"][0]["value"] == row.threshold.value
        assert len(graph["metrics"]) == len(row.metrics) + (row.expression is not None)


def test_widgets_do_not_overlap_and_stay_on_the_grid() -> None:
    # GIVEN
    widgets = drawn()

    # WHEN
    overlapping = [
        (a, b)
        for a, b in combinations(widgets, 2)
        if a["x"] < b["x"] + b["width"]
        and b["x"] < a["x"] + a["width"]
        and a["y"] < b["y"] + b["height"]
        and b["y"] < a["y"] + a["height"]
    ]

    # THEN
    assert overlapping == []
    assert all(w["x"] >= 0 and w["x"] + w["width"] <= 24 for w in widgets)
    assert len(widgets) <= 500


def test_the_state_of_all_that_is_heard_comes_first_pages_before_tickets() -> None:
    # GIVEN / WHEN
    first = drawn()[0]
    shown = first["properties"]["alarms"]

    # THEN
    assert first["type"] == "alarm"
    heard = [name.removeprefix("arn:orders-test-") for name in shown]
    assert heard[0] == "api-failing"
    assert heard.index("notifications-lost") < heard.index("rejection-rate") < heard.index("budget-burning")
    assert len(shown) <= 100


def test_queries_named_by_runbooks_are_on_the_dashboard() -> None:
    # GIVEN
    text = " ".join(path.read_text(encoding="utf-8") for path in RUNBOOKS.glob("*.md"))

    # WHEN
    named = set(re.findall(r'query "([^"]+)"', text))

    # THEN
    assert named == {w["properties"]["title"] for w in drawn() if w["type"] == "log"}


@pytest.mark.parametrize(
    ("sections", "message"),
    [
        ((Section(title="t", alarms=("nothing",)),), "do not exist: nothing"),
        ((Section(title="t", alarms=("api-latency",)),), "nowhere: accepting-14x-1h"),
    ],
)
def test_a_dashboard_that_forgets_or_invents_an_alarm_is_refused(sections: tuple[Section, ...], message: str) -> None:
    # GIVEN
    args = dashboard_args(sections=sections)

    # WHEN / THEN
    with pytest.raises(ValueError, match=message):
        dashboard_body(args)


def test_a_query_on_an_unknown_log_group_is_refused() -> None:
    # GIVEN
    args = dashboard_args(log_groups={})

    # WHEN / THEN
    with pytest.raises(ValueError, match="log groups that do not exist"):
        dashboard_body(args)
