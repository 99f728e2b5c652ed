"""Tests docs/observability.md against the code's messages, fields and metrics."""

import ast
from collections.abc import Iterator
from typing import Final

from lab.recording.recording import ROOT
from lab.simulation.cloudwatch.metrics_data import SERVICES, own_metrics
from runtime.metric import MetricName

PAGE: Final = ROOT / "docs" / "observability.md"
_LEVELS: Final = frozenset({"debug", "info", "warning", "error", "exception", "critical"})
_PLATFORM: Final = frozenset({"message", "correlation_id", "order_id", "message_id", "attempt"})


def rows(heading: str) -> list[list[str]]:
    """Find the table whose first column has this heading, and return the cells of each row."""
    lines = iter(PAGE.read_text(encoding="utf-8").splitlines())
    found: list[list[str]] = []
    for line in lines:
        if line.startswith(f"| {heading} |"):
            next(lines)
            for row in lines:
                if not row.startswith("|"):
                    return found
                found.append([cell.strip() for cell in row.strip("|").split(" | ")])
    raise AssertionError(f"no table {heading!r} in {PAGE}")


def names(cell: str) -> set[str]:
    """Return the names in backquotes."""
    return set(cell.split("`")[1::2])


def logged() -> Iterator[tuple[str, str, set[str]]]:
    """Yield level, message and fields of every log call in the functions' code."""
    for path in sorted((ROOT / "runtime").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
                continue
            if node.func.attr in _LEVELS and ast.unparse(node.func.value) in {"logger", "self.logger"}:
                yield node.func.attr.upper(), _message(node), set(_fields(node))


def _message(call: ast.Call) -> str:
    # If a condition chooses between two literals, return the first. Only one log call has a second literal.
    # `test_every_message_is_documented_with_its_level` adds this literal, `attempt failed`, to the messages found here.
    first = call.args[0].body if isinstance(call.args[0], ast.IfExp) else call.args[0]
    assert isinstance(first, ast.Constant), "a message must be a literal, because a variable could contain any value"
    return str(first.value)


def _fields(call: ast.Call) -> Iterator[str]:
    for keyword in call.keywords:
        if keyword.arg == "extra":
            assert isinstance(keyword.value, ast.Dict)
            yield from (str(key.value) for key in keyword.value.keys if isinstance(key, ast.Constant))
        elif keyword.arg is not None:
            yield keyword.arg


def test_every_message_is_documented_with_its_level() -> None:
    # GIVEN
    written = {(message, level) for level, message, _ in logged()} | {("attempt failed", "WARNING")}

    # WHEN
    documented = {(names(row[0]).pop(), row[1]) for row in rows("message")}

    # THEN
    assert documented == written


def test_every_field_is_documented() -> None:
    # GIVEN
    written = {field for _, _, fields in logged() for field in fields}

    # WHEN
    documented = {name for row in rows("field") for name in names(row[0])}

    # THEN
    assert documented == written | _PLATFORM


def test_every_metric_is_documented_with_service_and_unit() -> None:
    # GIVEN
    declared = {(entry.name, SERVICES[entry.name], entry.unit) for entry in own_metrics("orders-test")}

    # WHEN
    documented = {(names(row[0]).pop(), row[1], row[2]) for row in rows("metric")}

    # THEN
    assert documented == declared
    assert len(documented) == len(MetricName)
