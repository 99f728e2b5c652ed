"""Helpers of the commands that read the functions' logs."""

from collections.abc import Iterable, Sequence

from ops.cli.context import Context
from ops.logic.durations import WrongValueError
from ops.logic.log_lines import LogEvent
from ops.logic.trace import Step


def groups_of(context: Context, function: str | None = None) -> list[str]:
    """Return the log groups of all functions or of `function`, which may be named without the stack's prefix.

    Raises:
        WrongValueError: the stack has no such function.
    """
    prefix = f"{context.target.prefix}-"
    names = [name for name in context.target.functions if function in {None, name, name.removeprefix(prefix)}]
    if not names:
        allowed = ", ".join(name.removeprefix(prefix) for name in context.target.functions)
        raise WrongValueError(f"--function {function}: allowed: {allowed}.")
    return [f"/aws/lambda/{name}" for name in names]


def read_groups(
    context: Context, groups: Iterable[str], words: Sequence[str], start: float, end: float
) -> list[LogEvent]:
    """Return each line that contains one of `words`; if `words` is empty, return all lines of the log groups.

    `start` and `end` are in epoch seconds.
    """
    span = int(start * 1000), int(end * 1000) + 1
    return [event for group in groups for event in context.telemetry.events(group, words, *span)]


def show_steps(context: Context, steps: Sequence[Step], *, hidden: frozenset[str]) -> None:
    """Print each step on one line, with its details below. No id is ever cut."""
    width = max((len(step.where) for step in steps), default=0)
    for step in steps:
        context.out.print_line(f"{step.at}  {step.where:<{width}}  {step.what}")
        for name, value in step.details.items():
            if name not in hidden:
                parts = value if isinstance(value, list) else [value]
                context.out.print_line(f"    {name}: {parts[0] if len(parts) == 1 else ''}".rstrip())
                for part in parts if len(parts) > 1 else ():
                    context.out.print_line(f"      {part}")
