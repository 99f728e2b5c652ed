"""Previews a stack and writes a comment for a pull request.

The title counts the changes. Replaced and deleted resources come first, then the other changes, then Pulumi's diff. If
the comment would be too long, it is cut at the end. If the preview fails, the title says that, and the comment begins
with the reason. The exit code is that of `pulumi preview`; 1 if there is no `pulumi`.

example:
  python -m ops.preview --stack dev --comment preview.md
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Self

from pipeline.help import HelpFormatter

MAX_COMMENT: Final = 60_000
"""GitHub accepts 65,536 characters."""

_OUTPUT_KEPT: Final = 4_000
# Pulumi's name of a step → the word for it in the comment. The title lists the steps in this order. Other steps are not
# shown.
_WORDS: Final = {"replace": "replaced", "delete": "deleted", "update": "changed", "create": "new"}
_FENCE: Final = "`````"


@dataclass(frozen=True)
class Change:
    """Change of a resource.

    Attributes:
        because: For a replacement, the properties that force it; for an update, all properties that differ.
    """

    op: str
    name: str
    kind: str
    because: tuple[str, ...]

    @classmethod
    def of(cls, metadata: Mapping[str, Any]) -> Self:
        """Create a change from a step's metadata."""
        kind, name = str(metadata["urn"]).split("::")[2:4]
        # A replacement names the properties that force it; an update names all properties that differ.
        keys = (metadata.get("keys") if metadata["op"] == "replace" else None) or metadata.get("detailedDiff") or ()
        return cls(metadata["op"], name, kind.rpartition("$")[2], tuple(sorted(keys)))

    def line(self) -> str:
        """Return the change as a line of a Markdown list."""
        because = f": {', '.join(f'`{each}`' for each in self.because)}" if self.because else ""
        return f"- {_WORDS[self.op]}: **{self.name}** ({self.kind}){because}"


@dataclass
class Preview:
    """Result of a preview. `reasons`: errors and violated mandatory policies. `output`: the text that Pulumi wrote."""

    stack: str
    code: int
    output: str
    changes: list[Change] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)

    @classmethod
    def read(cls, stack: str, code: int, output: str, events: Iterable[Mapping[str, Any]]) -> Self:
        """Create a preview from the engine's events."""
        preview = cls(stack, code, output)
        for event in events:
            if "resourcePreEvent" in event and event["resourcePreEvent"]["metadata"]["op"] in _WORDS:
                preview.changes.append(Change.of(event["resourcePreEvent"]["metadata"]))
            diagnostic = event.get("diagnosticEvent", {})
            if diagnostic.get("severity") == "error":
                preview.reasons.append(_plain(diagnostic["message"]))
            policy = event.get("policyEvent", {})
            if policy.get("enforcementLevel") == "mandatory":
                preview.reasons.append(f"policy {policy['policyName']}: {_plain(policy['message'])}")
        return preview

    def comment(self) -> str:
        """Return the comment in Markdown."""
        head = [marker(self.stack), f"### {self._title()}", ""]
        head += [f"- {reason}" for reason in self.reasons]
        if self.code and not self.reasons:
            head += ["Pulumi's output:", _fenced(self.output[-_OUTPUT_KEPT:])]
        lost = [each for each in self.changes if each.op in ("replace", "delete")]
        if lost:
            head += ["> [!CAUTION]", "> Replaced and deleted resources lose all their data.", ""]
            head += [each.line() for each in lost]
        rest = [each.line() for each in self.changes if each not in lost]
        if rest:
            head += ["", "<details><summary>Everything else</summary>", "", *rest, "", "</details>"]
        text = "\n".join(head)
        room = MAX_COMMENT - len(text)
        return (
            f"{text}\n{self._diff(room)}"
            if room > 0
            else f"{text[:MAX_COMMENT]}\n\n… cut. The whole text is in the job's log."
        )

    def _title(self) -> str:
        counts = Counter(each.op for each in self.changes)
        counted = ", ".join(f"{counts[op]} {word}" for op, word in _WORDS.items() if counts[op]) or "no changes"
        return f"Preview of {self.stack} failed" if self.code else f"Preview of {self.stack}: {counted}"

    def _diff(self, room: int) -> str:
        if not self.output.strip() or (not self.changes and not self.code):
            return ""
        frame = "\n<details><summary>Pulumi's diff</summary>\n\n{}\n\n</details>\n"
        cut = "\n… cut. The whole text is in the job's log."
        most = room - len(frame) - 2 * len(_FENCE) - len(cut)
        if most <= 0:
            return ""
        shown = self.output if len(self.output) <= most else self.output[:most] + cut
        return frame.format(_fenced(shown))


def marker(stack: str) -> str:
    """Return the first line of a stack's comment. The line identifies the comment."""
    return f"<!-- preview of {stack} -->"


def _plain(message: str) -> str:
    """Return a message as one list item, without the engine's colour marks."""
    text = re.sub(r"<\{%.*?%\}>", "", message)
    return "\n  ".join(line for line in text.strip().splitlines() if line.strip())


def _fenced(text: str) -> str:
    return f"{_FENCE}diff\n{text.replace(_FENCE, '')}\n{_FENCE}"


def preview(stack: str, options: Sequence[str]) -> Preview:
    """Run `pulumi preview`, and print its output as well."""
    pulumi = shutil.which("pulumi")
    if pulumi is None:
        return Preview(stack, 1, "There is no `pulumi` command on the PATH.")
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "events.json"
        command = [pulumi, "preview", "--stack", stack, "--diff", "--non-interactive", "--color", "never"]
        # PULUMI_DEBUG_COMMANDS enables --event-log, which Pulumi's own Automation API uses too.
        done = subprocess.run(  # noqa: S603 - the found command, with our own arguments
            [*command, f"--event-log={log}", *options],
            env={**os.environ, "PULUMI_DEBUG_COMMANDS": "true"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        sys.stdout.write(done.stdout)
        events = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
    return Preview.read(stack, done.returncode, done.stdout, events)


def parser() -> argparse.ArgumentParser:
    """Build the parser of the command line."""
    made = argparse.ArgumentParser(prog="python -m ops.preview", description=__doc__, formatter_class=HelpFormatter)
    made.add_argument("--stack", required=True, help="name of the stack, such as dev")
    made.add_argument("--comment", required=True, type=Path, metavar="FILE", help="where the comment is written")
    made.add_argument("options", nargs="*", metavar="-- OPTION", help="options of `pulumi preview`")
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return Pulumi's exit code."""
    given = parser().parse_args(arguments)
    seen = preview(given.stack, given.options)
    given.comment.write_text(seen.comment())
    return seen.code


if __name__ == "__main__":
    sys.exit(main())
