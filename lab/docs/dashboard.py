"""Draws docs/dashboard.svg: the dashboard's first screen after an incident (`python -m lab.docs.dashboard`).

The program's component provides the dashboard's definition; a simulated shop provides metrics, alarms and logs.
"""

import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import cycle, takewhile
from pathlib import Path
from typing import Any, Final

from lab.docs import svg
from lab.docs.page import run
from lab.incidents.shop import Shop
from lab.incidents.stack import MINUTE, Stack, simulated_stack
from lab.simulation.cloudwatch.evaluator_alarm import State
from lab.simulation.cloudwatch.evaluator_math import MathContext, evaluate
from lab.simulation.cloudwatch.evaluator_metrics import MetricKey, Series
from lab.simulation.cloudwatch.registered import register_dashboard
from lab.simulation.cloudwatch.scenarios import api, own
from lab.simulation.fakes.faults import server_error
from pipeline.alarms.sections import BUDGET_DAYS, GLANCE
from runtime.metric import MetricName

COMMAND: Final = "python -m lab.docs.dashboard"
_PAGE: Final = Path(__file__).resolve().parents[2] / "docs" / "dashboard.svg"
_HEALTHY, _BROKEN, _REPAIRED = 90, 50, 40
_RANGE: Final = (_HEALTHY + _BROKEN + _REPAIRED) * MINUTE
_DAY: Final = 24 * 60 * MINUTE
_CELL, _LEFT, _ALARMS = 40, 14, 4
"""The side of a grid cell and the margin of a widget, in pixels; then how many alarms stand side by side."""
_GREEN, _GREY, _RED = ("#2b7d3b", "#eaf5ec"), ("#5f6b7a", "#f1f3f5"), ("#b3261e", "#fde7e5")
_STATES: Final = {State.OK: _GREEN, State.INSUFFICIENT_DATA: _GREY, State.ALARM: _RED}


def text() -> str:
    """Return the picture as SVG."""
    with simulated_stack() as stack:
        _play(stack)
        return _picture(stack)


def _play(stack: Stack) -> None:
    """Simulate a healthy month, an incident, and its repair.

    During the incident no order can be settled, as in `make incident`. After the repair, the dead
    letters are not redriven.
    """
    start = int(stack.world.cloud.clock.now)
    for day in range(start - (BUDGET_DAYS - 1) * _DAY, start, _DAY):
        for key in (own(MetricName.ORDER_ACCEPTED), api("Count")):
            stack.store.put(key, day, [1] * (_DAY // MINUTE), "Count")
        stack.store.put(own(MetricName.ACCEPTED_TO_SETTLED), day, [900] * (_DAY // MINUTE), "Milliseconds")
    shop = Shop(stack, per_hour=60)
    shop.minutes(_HEALTHY)
    shop.worker_fault = lambda call: server_error if call.operation == "TransactWriteItems" else None
    shop.minutes(_BROKEN)
    shop.worker_fault = lambda _: None
    shop.minutes(_REPAIRED)


def _picture(stack: Stack) -> str:
    body = register_dashboard()["widgets"]
    widgets = list(takewhile(lambda each: each["properties"].get("markdown") in (None, f"## {GLANCE}"), body))
    wide, high = (max(each[at] + each[size] for each in widgets) for at, size in (("x", "width"), ("y", "height")))
    return svg.page(wide * _CELL, high * _CELL, (_placed(each, stack) for each in widgets))


def _placed(widget: Mapping[str, Any], stack: Stack) -> str:
    x, y, width, height = (widget[key] * _CELL for key in ("x", "y", "width", "height"))
    return svg.svg(x, y, width, height, _widget(widget, stack))


def _widget(widget: Mapping[str, Any], stack: Stack) -> Iterator[str]:
    properties, width, height = widget["properties"], widget["width"] * _CELL, widget["height"] * _CELL
    if widget["type"] == "text":
        yield svg.text(12, 27, properties["markdown"].removeprefix("## "), "h")
        return
    yield svg.rect(4, 4, width - 8, height - 8, "#fff", "#d5dbdb")
    yield svg.text(_LEFT, 24, properties["title"], "t")
    match widget["type"], properties.get("view"), properties["title"]:
        case "alarm", None, _:
            yield from _alarms(properties["alarms"], stack, width)
        case "log", "table", "last deploys":
            yield from _versions(stack, width)
        case "metric", "singleValue", _:
            yield from _numbers(properties, stack, width, height)
        case "metric", "timeSeries", _:
            yield from _chart(properties, stack, width, height)
        case unknown:
            raise ValueError(f"no code draws the widget {unknown}; add a case to _widget")


def _alarms(arns: Sequence[str], stack: Stack, width: int) -> Iterator[str]:
    wide = (width - 2 * _LEFT) // _ALARMS
    for number, arn in enumerate(arns):
        name = arn.removeprefix("arn:")
        line, fill = _STATES[stack.alarms.states[name]]
        x, y = _LEFT + number % _ALARMS * wide, 36 + number // _ALARMS * 22
        yield (
            svg.rect(x, y, wide - 6, 19, fill, line)
            + svg.rect(x, y, 5, 19, line, line)
            + svg.text(x + 11, y + 14, name)
        )


def _versions(stack: Stack, width: int) -> Iterator[str]:
    seen: dict[tuple[str, str], list[int]] = {}
    for group, stream, event in stack.logs.events:
        seen.setdefault((group, stream.split("[")[1].split("]")[0]), []).append(event["timestamp"])
    rows: list[tuple[str, ...]] = [("@log", "version", "began", "last_seen")]
    for (group, version), found in sorted(seen.items(), key=lambda each: -min(each[1])):
        rows.append((group, version, *(_at(millis // 1000, "%Y-%m-%d %H:%M") for millis in (min(found), max(found)))))
    for y, row in zip(range(52, 10**6, 24), rows, strict=False):
        for share, cell in zip((0, 0.46, 0.56, 0.79), row, strict=True):
            yield svg.text(_LEFT + round(share * (width - 2 * _LEFT)), y, cell, "s")
        yield svg.line(_LEFT, width - _LEFT, y + 8)


def _numbers(properties: Mapping[str, Any], stack: Stack, width: int, height: int) -> Iterator[str]:
    for label, series in _series(properties, stack):
        (value,) = series.values()
        yield svg.text(width // 2, height // 2 + 18, f"{value:.4g}", "n m")
        yield svg.text(width // 2, height // 2 + 40, label, "s m")


def _chart(properties: Mapping[str, Any], stack: Stack, width: int, height: int) -> Iterator[str]:
    found, now = list(_series(properties, stack)), int(stack.world.cloud.clock.now)
    lines = properties.get("annotations", {}).get("horizontal", [])
    most = max([value for _, series in found for value in series.values()] + [line["value"] for line in lines])
    most = next(step * 10**power for power in range(12) for step in (1, 2, 4, 6, 8) if step * 10**power >= most)
    left, right, top, bottom = _LEFT + 36, width - _LEFT - 8, 54, height - 46

    def x(at: float) -> float:
        return round(left + (right - left) * (1 - (now - at) / _RANGE), 1)

    def y(value: float) -> float:
        return float(round(bottom - (bottom - top) * value / most, 1))

    yield svg.text(_LEFT, 42, properties["yAxis"]["left"]["label"], "s")
    for value in (0, most / 2, most):
        yield svg.line(left, right, y(value)) + svg.text(left - 6, y(value) + 4, f"{value:g}", "s e")
    for at in range(now - _RANGE, now + 1, _RANGE // 3):
        yield svg.text(x(at), bottom + 15, _at(at, "%H:%M"), "s m")
    legend, period = _LEFT, properties["period"]
    for (label, series), colour in zip(found, cycle(svg.COLOURS), strict=False):
        # Missing minutes are gaps. The path command `h0` makes a single point visible.
        moves = (f"{'L' if at - period in series else 'M'}{x(at):g},{y(value):g}h0" for at, value in series.items())
        yield f'<path stroke="{colour}" d="{"".join(moves)}"/>'
        yield svg.rect(legend, bottom + 24, 10, 10, colour, colour) + svg.text(legend + 15, bottom + 33, label, "s")
        legend += 40 + 6 * len(label)
    for line in lines:
        beside = y(line["value"]) + (14 if y(line["value"]) < top + 14 else -5)
        yield svg.line(left, right, y(line["value"]), "a")
        yield svg.text(right - 4, beside, f"{line['label']}: {line['value']:g}", "s e")


def _series(properties: Mapping[str, Any], stack: Stack) -> Iterator[tuple[str, Series]]:
    """Yield label and series of each metric that the widget shows."""
    period, now = properties["period"], int(stack.world.cloud.clock.now)
    starts = range(now - max(period, _RANGE), now, period)
    plain = [each for each in properties["metrics"] if len(each) > 1]
    metrics: dict[str, Series] = {}
    for namespace, name, *pairs, options in plain:
        key = MetricKey.of(namespace, name, dict(zip(pairs[::2], pairs[1::2], strict=True)))
        metrics[options["id"]] = stack.store.series(key, options["stat"], period, starts)
    for (math,) in (each for each in properties["metrics"] if len(each) == 1):
        yield math["label"], evaluate(math["expression"], MathContext(metrics, {}, starts))
    yield from ((name, metrics[options["id"]]) for _, name, *_, options in plain if options["visible"])


def _at(seconds: int, form: str) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime(form)


def main(arguments: Sequence[str] | None = None) -> int:
    """Write or check the picture. Return 1 if a check finds a difference."""
    return run(COMMAND, {_PAGE: text}, arguments)


if __name__ == "__main__":
    sys.exit(main())
