"""``python -m lab.benchmarks.refusals``: the cost of refusing bodies of up to 64 KiB, compared with accepting an order.

It measures the processor time and memory that a request uses before the first access to a table.
Then it measures the same two figures for messages and for dead letters with these bodies. It
compares the processor times with those of an accepted order of ten lines.
"""

from __future__ import annotations

import gc
import json
import sys
import time
import tracemalloc
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

from lab.benchmarks.measure import compare
from lab.simulation.requests import api_event
from ops.logic.dead_letter import Received, read_letter
from runtime.handlers.create_order import read_submission
from runtime.http.body import MAX_BYTES
from runtime.http.problems import ProblemError
from runtime.http.request import parse_event
from runtime.logic.delivery import Delivery
from runtime.logic.failures import describe
from runtime.models.fields import MAX_STRUCTURAL, structural_characters

_LINE: Final = '{"sku":"A","quantity":1,"unit_price":"1"}'


def _filled(before: str, item: Callable[[int], str], after: str, most: int) -> str:
    """Return a body with as many items as possible: at most 64 KiB, and at most `most` structural characters."""
    items, number = list[str](), 0
    room, signs = MAX_BYTES - len(before) - len(after), most - structural_characters(before)
    while True:
        text = item(number)
        room, signs = room - len(text) - 1, signs - structural_characters(text) - 1
        if room < -1 or signs < -1:
            return before + ",".join(items) + after
        items.append(text)
        number += 1


def _nested(depth: int, opening: str, inner: str, closing: str) -> str:
    return opening * depth + inner + closing * depth


def _shapes(most: int) -> Mapping[str, str]:
    filled = partial(_filled, most=most)

    def lines(item: str) -> str:
        return filled('{"lines":[', lambda _: item, "]}")

    return {
        "lines: empty objects": lines("{}"),
        "lines: zeros": lines("0"),
        "lines: numbers, all different": filled('{"lines":[', str, "]}"),
        "lines: fractions": lines("0.1"),
        "lines: exponents": lines("0e1"),
        "lines: empty texts": lines('""'),
        "lines: objects with one unknown member": lines('{"":0}'),
        "lines: objects with two unknown members": lines('{"":0,"a":0}'),
        "lines: valid ones": lines(_LINE),
        "lines: valid ones with an unknown member": lines(_LINE.replace("}", ',"a":0}')),
        "lines: objects with 160 unknown members": filled(
            '{"lines":[', lambda _: "{" + ",".join(f'"{number:x}":0' for number in range(160)) + "}", "]}"
        ),
        "lines: arrays in arrays": lines(_nested(190, "[", "", "]")),
        "lines: objects in objects": lines(_nested(190, '{"":', "0", "}")),
        "fifty wrong lines and empty objects elsewhere": filled(
            '{"lines":[' + ",".join(['{"":0}'] * 50) + '],"a":[', lambda _: "{}", "]}"
        ),
        "unknown names": filled("{", lambda number: f'"{number:x}":0', "}"),
        "unknown names that are not Unicode": filled("{", lambda number: f'"\\ud800{number:x}":0', "}"),
        "one name, repeated": filled("{", lambda _: '"a":0', "}"),
        "an array of zeros": filled("[", lambda _: "0", "]"),
        "numbers of 4,299 digits": lines("9" * 4299),
        "a number of 4,400 digits after zeros": filled('{"lines":[', lambda _: "0", "," + "9" * 4400 + "]}"),
        "open arrays": "[" * min(MAX_BYTES, most),
        "open objects": '{"":' * min(MAX_BYTES // 4, most // 2),
    }


SHAPES: Final[Mapping[str, str]] = {
    **_shapes(MAX_BYTES),
    **{f"{name}, parsed": body for name, body in _shapes(MAX_STRUCTURAL).items()},
    "one name of 64 KiB": '{"' + "a" * (MAX_BYTES - 8) + '":0}',
    "one number of 64 KiB": "9" * MAX_BYTES,
    "a fraction of 64 KiB": "0." + "9" * (MAX_BYTES - 2),
    "a text of 64 KiB as currency": '{"currency":"' + "€" * ((MAX_BYTES - 15) // 3) + '"}',
    "a reference of 64 KiB": '{"reference":"' + "r" * (MAX_BYTES - 16) + '"}',
    "escapes": '{"reference":"' + "\\u0041" * ((MAX_BYTES - 16) // 6) + '"}',
    "white space": "{" + " " * (MAX_BYTES - 2) + "}",
    "quotes": '"' * MAX_BYTES,
    "backslashes": '"' + "\\" * (MAX_BYTES - 2) + '"',
}
"""Bodies that are not valid orders, each of at most 64 KiB. The key is the body's name.

A body whose name ends with "parsed" has at most `MAX_STRUCTURAL` structural characters. Bodies with more are refused
before they are parsed.
"""

ORDER: Final = json.dumps(
    {
        "currency": "EUR",
        "lines": [{"sku": f"SKU-{number}", "quantity": 2, "unit_price": "19.90"} for number in range(10)],
        "reference": "basket 4711",
    }
)
_MESSAGE: Final = json.dumps(
    {
        **json.loads(ORDER),
        "schema_version": 1,
        "order_id": "1bfa2889-307d-56d4-8339-4dc839c7313d",
        "caller": "0" * 64,
        "accepted_at": "2026-01-01T00:00:00.000Z",
        "correlation_id": "request",
        "total": "398.00",
    }
)


def request(body: str) -> bool:
    """Do what a request needs before the first access to a table. Return whether the body is an order."""
    event = api_event("ann", method="POST", headers={"idempotency-key": "key"}, body=body)
    try:
        submission = read_submission(parse_event(event), jwt_authorizer=True)
    except ProblemError as problem:
        problem.body()
        return False
    return bool(submission.request_key and submission.order_id)


def message(body: str) -> bool:
    """Do what a message needs before the first access to a table. Return whether the body is an order."""
    content = Delivery("id", "receipt", body, {}, 1).content
    if isinstance(content, Exception):
        describe(content)
        return False
    return True


def dead_letter(body: str) -> bool:
    """Read a dead letter. Return whether it names its order."""
    return read_letter(Received("id", "receipt", body, {}, 0.0)).order_id is not None


def seconds(work: Callable[[str], bool], body: str, *, good: bool) -> float:
    """Return the mean processor time of a run, in seconds. `good`: whether `body` is an order."""
    times = 100 if good else 3
    started = time.process_time()
    for _ in range(times):
        if work(body) is not good:
            raise AssertionError("the run is invalid: an order was refused, or a wrong body was accepted")
    return (time.process_time() - started) / times


def peak_bytes(work: Callable[[str], Any], body: str) -> int:
    """Return the peak of the memory that Python allocates during a run, in bytes."""
    work(body)
    tracemalloc.start()
    try:
        work(body)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def main() -> None:
    """Measure all bodies as requests, messages and dead letters."""
    # The functions also call gc.freeze at the end of their init.
    gc.freeze()
    for title, work, order in (
        ("a request", request, ORDER),
        ("a message", message, _MESSAGE),
        ("a dead letter", dead_letter, _MESSAGE),
    ):
        alternatives = {"an order of ten lines": partial(seconds, work, order, good=True)}
        alternatives |= {name: partial(seconds, work, body, good=False) for name, body in SHAPES.items()}
        compare(title, alternatives, rounds=7)
        most = max((peak_bytes(work, body), name) for name, body in SHAPES.items())
        sys.stdout.write(f"  most memory: {most[0] / 2**20:.1f} MB, {most[1]}\n")


if __name__ == "__main__":
    main()
