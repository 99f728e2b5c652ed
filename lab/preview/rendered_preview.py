"""Writes the preview of the dev stack to docs/: what will be created, for readers who have no account yet.

    python -m lab.preview.rendered_preview      writes docs/preview-dev.txt anew

The tree looks as `pulumi preview` shows it on a terminal. But the engine lists resources in the order of their
registration, which varies. So the tree is drawn here from the engine's events, in a fixed order.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pulumi.runtime.rpc import UNKNOWN

from lab.preview.memory_account import MemoryAccount
from lab.preview.programs import NO_BYTECODE, copy_program
from local.engine import available
from local.engine.path import ROOT, prepare
from local.engine.provider.server import serving
from local.engine.workspace import Finished, Workspace
from pipeline.help import HelpFormatter

TEXT = ROOT / "docs" / "preview-dev.txt"
COMMAND = "python -m lab.preview.rendered_preview"
_MARKS = {"create": "+", "update": "~", "delete": "-"}
_HIDDEN = "pulumi:providers:aws"


def render(done: Finished) -> str:
    """Return the resources of a preview as a tree, its outputs by name, and the number of changes."""
    steps = [event["resourcePreEvent"]["metadata"] for event in done.events if "resourcePreEvent" in event]
    children: dict[str, list[Mapping[str, Any]]] = {}
    for step in sorted((each for each in steps if each["type"] != _HIDDEN), key=_order):
        children.setdefault((step["new"] or step["old"]).get("parent", ""), []).append(step)
    rows = [("", "Type", "Name", "Plan"), *_rows(children, "", "")]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    tree = ["  ".join((*(cell.ljust(w) for cell, w in zip(row, widths, strict=False)), row[3])) for row in rows]
    ended = [event["resOutputsEvent"]["metadata"] for event in done.events if "resOutputsEvent" in event]
    # The stack has two such events: one for its registration, and one with its outputs.
    outputs = [step for step in ended if step["type"] == "pulumi:pulumi:Stack"][-1]["new"]["outputs"]
    shown = [f"  {name}: {json.dumps(value).replace(UNKNOWN, '[unknown]')}" for name, value in sorted(outputs.items())]
    counts = next(event["summaryEvent"]["resourceChanges"] for event in done.events if "summaryEvent" in event)
    summary = [f"  {_MARKS.get(op, ' ')} {count} to {op}" for op, count in sorted(counts.items())]
    lines = [f"Previewing update ({_stack(steps)})", "", *tree, "", "Outputs:", *shown]
    return "\n".join(line.rstrip() for line in [*lines, "", "Resources:", *summary, ""])


def _order(step: Mapping[str, Any]) -> tuple[str, str]:
    return step["type"], step["urn"]


def _stack(steps: list[Mapping[str, Any]]) -> str:
    return str(steps[0]["urn"]).split(":")[2]


def _rows(
    children: Mapping[str, list[Mapping[str, Any]]], parent: str, indent: str
) -> Iterator[tuple[str, str, str, str]]:
    siblings = children.get(parent, [])
    for step in siblings:
        last = step is siblings[-1]
        branch = ("└─ " if last else "├─ ") if parent else ""
        name = step["urn"].rsplit("::", 1)[1]
        yield _MARKS.get(step["op"], " "), f"{indent}{branch}{step['type']}", name, step["op"]
        below = indent + (("   " if last else "│  ") if parent else "")
        yield from _rows(children, step["urn"], below)


def main() -> int:
    """Write the preview."""
    argparse.ArgumentParser(prog=COMMAND, description=__doc__, formatter_class=HelpFormatter).parse_args()
    with tempfile.TemporaryDirectory() as temporary, serving(MemoryAccount()) as port:
        folder = Path(temporary)
        workspace = Workspace(
            prepare(available(_say)), copy_program(folder / "program"), folder, port, "dev", overrides=NO_BYTECODE
        )
        workspace.create()
        done = workspace.preview()
        if done.code:
            _say(done.output)
            return done.code
        TEXT.write_text(render(done))
    return 0


def _say(message: str) -> None:
    sys.stderr.write(f"{message}\n")


if __name__ == "__main__":
    sys.exit(main())
