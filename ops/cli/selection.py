"""Options that name the stack. If our output advises a command, these options are added to the command.

So the advised command acts on the same stack as the command that prints the advice. If the environment
names the stack, the advised command needs no option.
"""

import argparse
import re
import shlex
from typing import Final

from ops.target import Choice

_COMMANDS: Final[set[str]] = set()
_LOCAL_COMMAND: Final = re.compile(r"python -m local [a-z]+")


def record_command(command: str) -> None:
    """Record a command of `python -m ops`, such as `python -m ops dlq list`, so that `completed` adds options to it."""
    _COMMANDS.add(command)


def choice_of(options: argparse.Namespace) -> Choice:
    """Return the stack that the command line names."""
    return Choice(outputs=options.outputs, local=options.local, stack=options.stack, state_dir=options.state_dir)


def completed(text: str, choice: Choice) -> str:
    """Return `text` with the options of `choice` in each command of `python -m ops`.

    Commands of `python -m local` get only `--state-dir`, because they accept none of the other options.
    """
    folder = _option("--state-dir", choice.state_dir)
    words = [*_option("--outputs", choice.outputs), *["--local"] * choice.local, *_option("--stack", choice.stack)]
    # The longest command comes first, because one command can be the beginning of another. Without commands, `(?!)`
    # matches nothing.
    known = "|".join(map(re.escape, sorted(_COMMANDS, key=len, reverse=True))) or "(?!)"
    text = _inserted(text, re.compile(rf"(?:{known})(?![\w-])"), [*words, *folder])
    return _inserted(text, _LOCAL_COMMAND, folder)


def _option(name: str, value: object) -> list[str]:
    """Return the option as two words, or as one (`--name=value`) if the value begins with `-`; `[]` without a value."""
    if value is None:
        return []
    return [f"{name}={value}"] if str(value).startswith("-") else [name, str(value)]


def _inserted(text: str, command: re.Pattern[str], words: list[str]) -> str:
    return command.sub(lambda found: shlex.join([*found[0].split(), *words]), text) if words else text
