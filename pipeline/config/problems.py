"""Messages about a wrong configuration, which say what to change."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
from pydantic import BaseModel


@dataclass(frozen=True)
class Problem:
    """One error in a configuration.

    `keys` are the options concerned; the first is the best one to change. If there are no keys,
    `given` names the thing that is wrong, such as `the key order:batch_size`. `change` says what to
    change; if it is empty, the message says to change one of the keys.
    """

    keys: tuple[str, ...]
    given: str
    allowed: str
    change: str = ""

    def render(self, namespace: str) -> str:
        """Return one line: `orders:batch_size: given 0; allowed: …; change orders:batch_size`."""
        keys = [f"{namespace}:{key}" for key in self.keys]
        subject = f"{keys[0]}: " if keys else ""
        text = f"{subject}given {self.given}; allowed: {self.allowed}; change {self.change or ' or '.join(keys)}"
        # Keys and values come from files, where YAML and JSON allow any character.
        return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)


class ConfigError(pulumi.RunError, ValueError):
    """A stack's configuration has these `problems`. The message has one line for each of them.

    For a `RunError` Pulumi shows only the message, for any other error also a traceback.
    """

    def __init__(self, problems: Sequence[Problem], namespace: str, stack: str) -> None:
        self.problems = tuple(problems)
        count = f"{len(self.problems)} problem{'s' if len(self.problems) > 1 else ''}"
        lines = "\n".join(f"  {name_stack(problem.render(namespace), stack)}" for problem in self.problems)
        super().__init__(f"{count} in the configuration of stack {stack} (Pulumi.{stack}.yaml):\n{lines}")


def name_stack(text: str, stack: str) -> str:
    """Add `--stack` to each `pulumi config set` in `text`. Without it, the command would change the selected stack."""
    return text.replace("pulumi config set", f"pulumi config set --stack {stack}")


class BrokenRulesError(ValueError):
    """The values are valid one by one, but not together."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(problem.render("config") for problem in self.problems))


def values_of(config: BaseModel, *keys: str) -> str:
    """Return the values of several options: `batch_size = 10, batch_threads = 5`."""
    return ", ".join(f"{key} = {getattr(config, key)}" for key in keys)
