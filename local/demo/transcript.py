"""Reports the demo's story: on the terminal while it runs, and as a document at its end."""

import json
import time
from dataclasses import asdict, dataclass, field
from typing import Any

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from ops.audit.judge import Finding
from ops.gateway.http import Answer

_LONGEST = 240


@dataclass
class Check:
    """A statement that must be true, and whether it is."""

    text: str
    ok: bool


@dataclass
class Chapter:
    """A step of the story."""

    title: str
    lines: list[str] = field(default_factory=list)
    checks: list[Check] = field(default_factory=list)


class Transcript:
    """Collects the story, and prints it on `console` at the same time."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._started = time.monotonic()
        self._findings: list[Finding] = []
        self.chapters: list[Chapter] = []

    def chapter(self, title: str, why: str = "") -> None:
        """Begin a step."""
        self.chapters.append(Chapter(title))
        self._console.print(Text(f"\n{len(self.chapters)}. {title}", "bold"))
        if why:
            self._show("", "dim", why)

    def sent(self, text: str) -> None:
        """Print a sent request."""
        self._line("→ ", "cyan", text)

    def received(self, text: str) -> None:
        """Print a received answer."""
        self._line("← ", "magenta", text)

    def answered(self, answer: Answer) -> None:
        """Print an HTTP answer, with its body unchanged."""
        mark = "Idempotent-Replayed: true  " if answer.is_replay else ""
        self.received(f"{answer.status} in {answer.seconds * 1000:.0f} ms  {mark}{answer.body.decode()}")

    def returned(self, text: str) -> None:
        """Print what an AWS API returned."""
        self._line("· ", "dim", text)

    def check(self, text: str, ok: bool) -> None:
        """Print and record a check. After a failed check the story goes on, and the exit code is 1."""
        self.chapters[-1].checks.append(Check(text, ok))
        self._show("✓ " if ok else "✗ ", "green" if ok else "bold red", text)

    def conclude(self, findings: list[Finding]) -> None:
        """Print the table of guarantees, the failed checks and the verdict."""
        self._findings = findings
        table = Table("", "guarantee", "counted", title="Guarantees, checked with the AWS APIs", title_justify="left")
        for each in findings:
            mark = Text("✓ holds", "green") if each.ok else Text("✗ BROKEN", "bold red")
            table.add_row(mark, f"{each.name} {each.promise}", "\n".join([each.counted, *each.violations]))
        self._console.print("", table)
        failed = [check.text for chapter in self.chapters for check in chapter.checks if not check.ok]
        for text in failed:
            self._console.print(Text(f"✗ failed: {text}", "bold red"))
        verdict = Text("Everything holds", "bold green") if self.ok else Text("A check failed", "bold red")
        self._console.print(Text.assemble("\n", verdict, f" ({time.monotonic() - self._started:.0f} s)."))

    @property
    def ok(self) -> bool:
        """Return whether every check and every guarantee held. Before `conclude` this is false."""
        checks = [check for chapter in self.chapters for check in chapter.checks]
        return bool(self._findings) and all(check.ok for check in checks) and all(each.ok for each in self._findings)

    def document(self) -> dict[str, Any]:
        """Return the whole story, for `--json`."""
        return {
            "ok": self.ok,
            "seconds": round(time.monotonic() - self._started, 1),
            "chapters": [asdict(chapter) for chapter in self.chapters],
            "guarantees": [asdict(finding) | {"ok": finding.ok} for finding in self._findings],
        }

    def _line(self, mark: str, style: str, text: str) -> None:
        self.chapters[-1].lines.append(mark + text)
        self._show(mark, style, text)

    def _show(self, mark: str, style: str, text: str) -> None:
        short = text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
        words = Text(short, style if style == "dim" else "", overflow="fold")
        if not self._console.is_terminal:  # a file or pipe has no width, so no line is wrapped
            self._console.print(Text.assemble("   ", (mark, style), words), soft_wrap=True)
            return
        line = Table.grid()
        line.add_row(Text(mark, style), words) if mark else line.add_row(words)
        self._console.print(Padding(line, (0, 0, 0, 3)))


def shown(body: dict[str, Any]) -> str:
    """Return a JSON object as text on one line."""
    return json.dumps(body)
