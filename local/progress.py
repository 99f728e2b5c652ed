"""Reports the progress while an instance starts: to a person, or to the process that waits (`up --detach`)."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Protocol

from rich.console import Console


class Reporter(Protocol):
    """Receives the progress while an instance starts."""

    def begin(self, title: str) -> None:
        """A step begins."""

    def note(self, text: str) -> None:
        """The current step made progress."""

    def done(self, title: str, seconds: float, detail: str) -> None:
        """The current step succeeded."""


class ConsoleReporter:
    """Prints a line for each step, with its duration. On a terminal it also shows a moving status."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._status = console.status("")
        self._title = ""

    def begin(self, title: str) -> None:
        """Show the step as the current one."""
        self._title = title
        self._status.update(f"{title} …")
        self._status.start()

    def note(self, text: str) -> None:
        """Show the text beside the step."""
        if self._console.is_terminal:
            self._status.update(f"{self._title}: {text} …")

    def done(self, title: str, seconds: float, detail: str) -> None:
        """Print the step's line."""
        self._status.stop()
        suffix = f"  [dim]{detail}[/dim]" if detail else ""
        self._console.print(f"[green]✓[/green] {title:<34} [cyan]{seconds:5.1f} s[/cyan]{suffix}", highlight=False)

    def close(self) -> None:
        """Stop the moving status."""
        self._status.stop()


class PipeReporter:
    """Sends JSON lines from the detached process to the process that started it."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream

    def begin(self, title: str) -> None:
        """Send that a step begins."""
        self._send("begin", title=title)

    def note(self, text: str) -> None:
        """Send the note."""
        self._send("note", text=text)

    def done(self, title: str, seconds: float, detail: str) -> None:
        """Send that the step succeeded."""
        self._send("done", title=title, seconds=seconds, detail=detail)

    def ready(self) -> None:
        """Send the last event: the instance is ready."""
        self._send("ready")
        self._stream.close()

    def failed(self, message: str, exit_code: int) -> None:
        """Send the last event: the start failed. Does nothing after `ready`."""
        if not self._stream.closed:
            self._send("failed", message=message, exit_code=exit_code)
            self._stream.close()

    def _send(self, event: str, **more: object) -> None:
        self._stream.write(json.dumps({"event": event, **more}) + "\n")
        self._stream.flush()


class Step:
    """The current step. `detail` is printed on its line."""

    def __init__(self, reporter: Reporter) -> None:
        self._reporter = reporter
        self.detail = ""

    def note(self, text: str) -> None:
        """Report what the step is doing."""
        self._reporter.note(text)


@contextmanager
def step(reporter: Reporter, title: str) -> Iterator[Step]:
    """Report the start of a step, and its end with the duration. If the block raises an error, no end is reported."""
    started = time.monotonic()
    reporter.begin(title)
    current = Step(reporter)
    yield current
    reporter.done(title, time.monotonic() - started, current.detail)
