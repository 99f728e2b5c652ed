"""Tests the dashboard: the graph of each alarm, the other widgets, and their layout."""

import re
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from components.dashboard import Section, dashboard_body
from lab.simulation.cloudwatch.evaluator_metrics import MetricKey
from lab.simulation.cloudwatch.metrics_data import AWS_METRICS, find, own_metrics
from lab.simulation.cloudwatch.registered import LIMITS, PREFIX, THRESHOLDS, dashboard_args, register_dashboard
from pipeline.alarms import alarm_table
from pipeline.functions import API_FUNCTIONS, FUNCTIONS

TABLE = alarm_table(THRESHOLDS, LIMITS, certificate=True)
ALL = len(FUNCTIONS)
# Written by hand: one entry for each widget, except headings and graphs of alarms. An entry has
# view, size, unit, period and time range, if the widget has them. A graph's entry ends with the
# number of visible lines and of all lines (1/3: one of three is visible). Any other entry ends with
# the number of the widget's log groups.
LOOKS = {
    "What is wrong now": "alarm 24x4 0 groups",
    "Orders a minute": "timeSeries 12x5 orders 60 2/4",
    "Requests with an answer other than 5xx": "timeSeries 12x5 percent 60 1/3",
    "Error budget left: accepting, 30 days": "singleValue 6x4 percent 2592000 -P30D to P0D 1/3",
    "Error budget left: settling, 30 days": "singleValue 6x4 percent 2592000 -P30D to P0D 1/3",
    "Oldest order waiting": "timeSeries 6x4 seconds 60 1/1",
    "Dead letters": "timeSeries 6x4 messages 60 1/3",
    "last deploys": f"table 24x7 {ALL} groups",
    "Functions that fail": f"timeSeries 8x6 invocations 300 {ALL}/{ALL}",
    "Functions that are throttled": f"timeSeries 8x6 invocations 300 {ALL}/{ALL}",
    "Longest run of each function": f"timeSeries 8x6 milliseconds 300 {ALL}/{ALL}",
    "Tables that throttle": "timeSeries 8x6 requests 300 8/8",
    "Failed attempts, conflicts, our own 503s": "timeSeries 8x6 events 300 3/3",
    "errors by type": f"table 12x7 {ALL} groups",
    "failed attempts by error": "table 12x7 1 groups",
    "refusals by problem type": f"table 24x7 {len(API_FUNCTIONS)} groups",
}
RUNBOOKS = Path(__file__).parents[2] / "docs" / "runbooks"


def drawn() -> list[dict[str, Any]]:
    widgets: list[dict[str, Any]] = register_dashboard()["widgets"]
    return widgets


def test_every_alarm_is_drawn_once_with_its_threshold_and_title() -> None:
    # GIVEN / WHEN
    graphs = {w["properties"]["title"]: w["properties"] for w in drawn() if w["type"] == "metric"}

    # THEN
    assert {row.title for row in TABLE.alarms} <= set(graphs)
    assert len(graphs) == sum(w["type"] == "metric" for w in drawn())
    for row in TABLE.alarms:
        graph = graphs[row.title]
        assert graph["annotations"]["horizontal"][0]["value"] == row.threshold.value
        assert graph["yAxis"]["left"] == {"label": row.threshold.unit, "min": 0, "showUnits": False}
        assert len(graph["metrics"]) == len(row.metrics) + (row.expression is not None)


@pytest.mark.parametrize(
    "graph", [w["properties"] for w in drawn() if w["type"] == "metric"], ids=lambda it: it["title"]
)
def test_a_graph_and_its_expressions_use_only_published_metrics(graph: dict[str, Any]) -> None:
    # GIVEN
    lines = {line[-1]["id"]: line for line in graph["metrics"] if len(line) > 1}

    # WHEN
    keys = [
        MetricKey.of(line[0], line[1], dict(zip(line[2:-1:2], line[3:-1:2], strict=True))) for line in lines.values()
    ]
    used = {name for (math,) in (each for each in graph["metrics"] if len(each) == 1) for name in names_in(math)}

    # THEN
    assert [key for key in keys if find(key, (*AWS_METRICS, *own_metrics(PREFIX))) is None] == []
    assert used <= set(lines)
    assert {each[-1]["period"] for each in graph["metrics"]} == {graph["period"]}


def names_in(math: dict[str, Any]) -> set[str]:
    """Return the ids of the metrics that an expression uses."""
    return set(re.findall(r"\b[a-z][a-z_0-9]*\b", math["expression"]))


def test_each_widget_except_headings_and_alarm_graphs_looks_as_the_table_says() -> None:
    # GIVEN / WHEN
    others = [
        w for w in drawn() if w["type"] != "text" and w["properties"]["title"] not in {a.title for a in TABLE.alarms}
    ]

    # THEN
    assert {w["properties"]["title"]: looks(w) for w in others} == LOOKS


def looks(widget: dict[str, Any]) -> str:
    """Return the widget's appearance in the format of `LOOKS`."""
    graph = widget["properties"]
    shown = [line[-1].get("visible", True) for line in graph.get("metrics", ())]
    left = graph.get("yAxis", {}).get("left", {}).get("label", "")
    span = f"{graph.get('start', '')} to {graph.get('end', '')}" if "setPeriodToTimeRange" in graph else ""
    parts = (
        graph.get("view", widget["type"]),
        f"{widget['width']}x{widget['height']}",
        left,
        graph.get("period", ""),
        span,
    )
    drawn_of = f"{sum(shown)}/{len(shown)}" if shown else f"{graph.get('query', '').count('SOURCE')} groups"
    return " ".join([*(str(each) for each in parts if each), drawn_of])


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


def test_each_alarm_is_in_the_section_whose_question_it_answers() -> None:
    # GIVEN
    questions: dict[str, list[str]] = {}

    # WHEN
    for widget in sorted(drawn(), key=lambda it: (it["y"], it["x"])):
        if widget["type"] == "text":
            below = questions.setdefault(widget["properties"]["markdown"].removeprefix("## "), [])
        elif widget["y"] > 0:
            below += [row.name for row in TABLE.alarms if row.title == widget["properties"]["title"]]

    # THEN
    burning = [row.name for row in TABLE.alarms if row.name.startswith(("accepting-", "settling-"))]
    flowing = questions["Do orders get through?"]
    assert flowing == [
        *("orders-missing", "rejection-rate", "oldest-message-age", "api-latency"),
        *("dead-letter-queue-not-empty", "notifications-redriven"),
    ]
    assert questions["How fast are the error budgets spent?"] == burning
    others = [row.name for row in TABLE.alarms if row.name not in (*flowing, *burning)]
    assert questions["What fails?"] == others


def test_the_first_widget_lists_all_alarms_that_notify_somebody_sorted_by_tier() -> None:
    # GIVEN / WHEN
    first = drawn()[0]
    shown = first["properties"]["alarms"]

    # THEN
    assert first["type"] == "alarm"
    order = [name.removeprefix("arn:orders-test-") for name in shown]
    assert order[0] == "api-failing"
    assert order.index("notifications-lost") < order.index("rejection-rate") < order.index("budget-burning")
    alone = {row.name for row in TABLE.alarms if TABLE.composite_of(row.name) is None}
    assert set(order) == alone | {each.name for each in TABLE.composites}
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
        ((Section(title="t", alarms=("api-latency",)),), "has these alarms: accepting-14x-1h"),
    ],
)
def test_a_dashboard_must_have_every_alarm_and_no_unknown_alarm(sections: tuple[Section, ...], message: str) -> None:
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
