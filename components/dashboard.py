"""A CloudWatch dashboard: freely chosen graphs, and for each alarm a graph with its threshold."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

import pulumi
import pulumi_aws as aws
from pydantic import Field

from components.alarms.component import resolve
from components.alarms.model import Alarm, AlarmTable, Composite, Metric, Tier
from components.component import Args, Component, Scope, Text

WIDTH = 24
"""CloudWatch's grid is 24 columns wide."""
_WIDGET_WIDTH, _WIDGET_HEIGHT, _LOG_HEIGHT = 8, 6, 7
_DAY = 86_400


class Graph(Args):
    """A graph of metrics, or of math over metrics. The metrics need not have an alarm."""

    title: str = Field(description="The graph's title.")
    metrics: Mapping[str, Metric] = Field(min_length=1, description="Metrics by their ids, which the expressions use.")
    expressions: Mapping[str, str] = Field(default={}, description="Metric math expressions by their labels.")
    shown: tuple[str, ...] = Field(
        default=(), description="Ids of metrics to draw with the expressions; without expressions, all are drawn."
    )
    period: int = Field(default=300, description="Seconds per point.")
    unit: str = Field(description="Label of the axis.")
    line: tuple[float, str] | None = Field(default=None, description="A horizontal line: its value and its meaning.")
    view: Literal["timeSeries", "singleValue"] = "timeSeries"
    days: int | None = Field(
        default=None,
        description="If set, the graph shows one value for this number of past days, whatever range is selected.",
    )
    region: str | None = Field(default=None, description="Region of the metrics, if not `DashboardArgs.region`.")
    width: int = _WIDGET_WIDTH
    height: int = _WIDGET_HEIGHT


class LogQuery(Args):
    """A Logs Insights query that a runbook refers to."""

    title: str = Field(description="The question that the query answers; runbooks use it as the query's name.")
    log_groups: tuple[str, ...] = Field(min_length=1, description="Keys of the log groups it reads.")
    query: str = Field(description="The query, without its SOURCE part.")


class Section(Args):
    """A question of a reader, with the graphs and queries that answer it."""

    title: str = Field(description="The question, as a heading.")
    graphs: tuple[Graph, ...] = Field(default=(), description="Graphs above those of the alarms.")
    alarms: tuple[str, ...] = Field(
        default=(), description="Names of rows of the alarm table, in the order in which their graphs are drawn."
    )
    queries: tuple[LogQuery, ...] = Field(default=(), description="Log queries below the graphs.")


class DashboardArgs(Args):
    """Widgets of the dashboard, in their order."""

    table: AlarmTable = Field(description="The alarms, with their metrics, math and thresholds.")
    sections: tuple[Section, ...] = Field(min_length=1, description="The sections, from top to bottom.")
    watched: Mapping[str, Text] = Field(
        description="Names and ids of the watched resources. `Ref(key)` stands for `watched[key]`."
    )
    alarm_arns: Mapping[str, Text] = Field(
        description="ARNs of the alarms, by row or composite; the top of the dashboard shows the alarms' states. Empty "
        "if there are no alarms."
    )
    log_groups: Mapping[str, Text] = Field(description="Names of the log groups by their keys, which the queries use.")
    region: Text = Field(description="Region of the logs, and of each metric whose graph or row has no `region`.")


class Dashboard(Component):
    """The dashboard. Outputs: `name`.

    Raises:
        ValueError: a section names a row or a log group that does not exist, a row is in no section, or `watched` lacks
            a name that a row or a graph uses.
    """

    kind: ClassVar[str] = "Dashboard"

    def __init__(
        self, name: str, scope: Scope, args: DashboardArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(name, scope, opts)
        dashboard = aws.cloudwatch.Dashboard(
            name,
            aws.cloudwatch.DashboardArgs(
                dashboard_name=scope.prefix,
                dashboard_body=pulumi.Output.json_dumps(dashboard_body(args), sort_keys=True, separators=(",", ":")),
            ),
            self.child(),
        )
        self.name = dashboard.dashboard_name
        self.register_outputs({"name": self.name})


def dashboard_body(args: DashboardArgs) -> dict[str, Any]:
    """Return the dashboard's body in CloudWatch's structure; names may still be outputs."""
    rows = {row.name: row for row in args.table.alarms}
    _check(args, rows)
    widgets = [_states(args)] if args.alarm_arns else []
    top = sum(widget["height"] for widget in widgets)
    for section in args.sections:
        drawn = [_heading(section.title)]
        drawn += [
            _graph(graph, args) for graph in (*section.graphs, *(_graph_of(rows[each]) for each in section.alarms))
        ]
        # Two queries share a line. If the number of queries is odd, the last query gets the full width.
        pairs = len(section.queries) // 2 * 2
        widths = [WIDTH // 2 if number < pairs else WIDTH for number in range(len(section.queries))]
        drawn += [_log(query, width, args) for query, width in zip(section.queries, widths, strict=True)]
        top = _place(drawn, top)
        widgets += drawn
    return {"widgets": widgets}


def _check(args: DashboardArgs, rows: Mapping[str, Alarm]) -> None:
    drawn = [name for section in args.sections for name in section.alarms]
    if unknown := sorted(set(drawn) - set(rows)):
        raise ValueError(f"the dashboard's sections name alarms that do not exist: {', '.join(unknown)}")
    if missing := sorted(set(rows) - set(drawn)):
        raise ValueError(f"no section of the dashboard has these alarms: {', '.join(missing)}; add them to a section")
    groups = {group for section in args.sections for query in section.queries for group in query.log_groups}
    if unknown := sorted(groups - set(args.log_groups)):
        raise ValueError(f"the dashboard's queries read log groups that do not exist: {', '.join(unknown)}")


def _place(widgets: Sequence[dict[str, Any]], top: int) -> int:
    """Set positions left to right, line by line; return the first free line."""
    x, line = 0, 0
    for widget in widgets:
        if x + widget["width"] > WIDTH:
            x, top, line = 0, top + line, 0
        widget |= {"x": x, "y": top}
        x, line = x + widget["width"], max(line, widget["height"])
    return top + line


def _states(args: DashboardArgs) -> dict[str, Any]:
    # The alarms that notify, by tier. Members of composites are not among them; they have graphs below.
    alone = [row for row in args.table.alarms if args.table.composite_of(row.name) is None]
    notifiers: list[Alarm | Composite] = [*args.table.composites, *alone]
    notifying = sorted(notifiers, key=lambda row: (list(Tier).index(row.tier), row.name))
    arns = [args.alarm_arns[row.name] for row in notifying]
    properties = {"title": "What is wrong now", "alarms": arns}
    return {"type": "alarm", "x": 0, "y": 0, "width": WIDTH, "height": 4, "properties": properties}


def _heading(title: str) -> dict[str, Any]:
    return {"type": "text", "width": WIDTH, "height": 1, "properties": {"markdown": f"## {title}"}}


def _graph_of(row: Alarm) -> Graph:
    return Graph(
        title=row.title,
        metrics=row.metrics,
        expressions={} if row.expression is None else {row.title: row.expression},
        period=row.period,
        unit=row.threshold.unit,
        region=row.region,
        line=(row.threshold.value, f"{row.tier}: {row.threshold.reason}"),
    )


def _graph(graph: Graph, args: DashboardArgs) -> dict[str, Any]:
    period = graph.period if graph.days is None else graph.days * _DAY
    shown = graph.shown if graph.expressions else tuple(graph.metrics)
    math = [
        [{"expression": expression, "id": f"result{number}", "label": label, "period": period}]
        for number, (label, expression) in enumerate(graph.expressions.items())
    ]
    lines = [_line(key, metric, period, args, visible=key in shown) for key, metric in graph.metrics.items()]
    properties: dict[str, Any] = {
        "title": graph.title,
        "view": graph.view,
        "region": graph.region or args.region,
        "period": period,
        "metrics": [*math, *lines],
        "yAxis": {"left": {"label": graph.unit, "min": 0, "showUnits": False}},
    }
    if graph.line is not None:
        value, label = graph.line
        properties["annotations"] = {"horizontal": [{"value": value, "label": label}]}
    if graph.days is not None:
        properties |= {"start": f"-P{graph.days}D", "end": "P0D", "setPeriodToTimeRange": True}
    return {"type": "metric", "width": graph.width, "height": graph.height, "properties": properties}


def _line(key: str, metric: Metric, period: int, args: DashboardArgs, *, visible: bool) -> list[Any]:
    dimensions = [part for name, value in metric.dimensions.items() for part in (name, resolve(value, args.watched))]
    options = {"id": key, "stat": metric.statistic, "period": period, "visible": visible}
    return [resolve(metric.namespace, args.watched), metric.name, *dimensions, options]


def _log(query: LogQuery, width: int, args: DashboardArgs) -> dict[str, Any]:
    sources = [pulumi.Output.concat("SOURCE '", args.log_groups[group], "' | ") for group in query.log_groups]
    properties = {
        "title": query.title,
        "region": args.region,
        "view": "table",
        "query": pulumi.Output.concat(*sources, query.query),
    }
    return {"type": "log", "width": width, "height": _LOG_HEIGHT, "properties": properties}
