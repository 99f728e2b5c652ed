"""Telling a person, or the process that waits for a detached start, how far the start is."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Protocol

from rich.console import Console


class Reporter(Protocol):
    """Receiver of the news of a start."""

    def begin(self, title: str) -> None:
        """A step begins."""

    def note(self, text: str) -> None:
        """The step in hand got somewhere."""

    def done(self, title: str, seconds: float, detail: str) -> None:
        """A step ended well."""


class ConsoleReporter:
    """Lines with times on the terminal; a moving status where it is one."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._status = console.status("")
        self._title = ""

    def begin(self, title: str) -> None:
        """Show the step as in hand."""
        self._title = title
        self._status.update(f"{title} …")
        self._status.start()

    def note(self, text: str) -> None:
        """Show what is being done."""
        if self._console.is_terminal:
            self._status.update(f"{self._title}: {text} …")

    def done(self, title: str, seconds: float, detail: str) -> None:
        """Leave a line."""
        self._status.stop()
        suffix = f"  [dim]{detail}[/dim]" if detail else ""
        self._console.print(f"[green]✓[/green] {title:<34} [cyan]{seconds:5.1f} s[/cyan]{suffix}", highlight=False)

    def close(self) -> None:
        """Stop the moving status."""
        self._status.stop()


class PipeReporter:
    """JSON lines for the process that started this one detached."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream

    def begin(self, title: str) -> None:
        """Send it."""
        self._send("begin", title=title)

    def note(self, text: str) -> None:
        """Send it."""
        self._send("note", text=text)

    def done(self, title: str, seconds: float, detail: str) -> None:
        """Send it."""
        self._send("done", title=title, seconds=seconds, detail=detail)

    def ready(self) -> None:
        """The instance is up; nothing follows."""
        self._send("ready")
        self._stream.close()

    def failed(self, message: str, exit_code: int) -> None:
        """The start failed; nothing follows. After `ready` nobody listens, and it does nothing."""
        if not self._stream.closed:
            self._send("failed", message=message, exit_code=exit_code)
            self._stream.close()

    def _send(self, event: str, **more: object) -> None:
        self._stream.write(json.dumps({"event": event, **more}) + "\n")
        self._stream.flush()


class Step:
    """A step in hand; `detail` ends up on its line."""

    def __init__(self, reporter: Reporter) -> None:
        self._reporter = reporter
        self.detail = ""

    def note(self, text: str) -> None:
        """Say what is being done."""
        self._reporter.note(text)


@contextmanager
def step(reporter: Reporter, title: str) -> Iterator[Step]:
    """Report one step with the time it took; one that raises is reported by whoever catches it."""
    started = time.monotonic()
    reporter.begin(title)
    current = Step(reporter)
    yield current
    reporter.done(title, time.monotonic() - started, current.detail)
