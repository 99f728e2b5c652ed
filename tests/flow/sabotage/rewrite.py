"""Changes the source of a function while the program runs, wherever it was imported to."""

from __future__ import annotations

import ast
import importlib
import inspect
import textwrap
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from types import CodeType, FunctionType


@dataclass(frozen=True, slots=True)
class Rewrite:
    """One change of one function.

    Attributes:
        target: ``module:qualified.name`` of a function or method.
        old: Text of its source, exactly once in it, as if the function began at the margin.
        new: What stands there instead.
    """

    target: str
    old: str
    new: str


@contextmanager
def rewritten(changes: Iterable[Rewrite]) -> Iterator[None]:
    """Within this context the functions run with their changes. Their code is replaced, not their names: an import of
    the function anywhere sees the change.

    Raises:
        LookupError: the source no longer has the text. The sabotage has to be adapted to the new source.
        TypeError: the target is no function.
    """
    by_target: dict[str, list[Rewrite]] = {}
    for change in changes:
        by_target.setdefault(change.target, []).append(change)
    with ExitStack() as stack:
        for target, its_changes in by_target.items():
            function = _find(target)
            stack.callback(setattr, function, "__code__", function.__code__)
            function.__code__ = _code(function, its_changes)
        yield


def _find(target: str) -> FunctionType:
    module, _, path = target.partition(":")
    found: object = importlib.import_module(module)
    for name in path.split("."):
        found = getattr(found, name)
    if not isinstance(found, FunctionType):
        raise TypeError(f"{target} is a {type(found).__name__}, a sabotage needs a function.")
    return found


def _code(function: FunctionType, changes: Iterable[Rewrite]) -> CodeType:
    source = textwrap.dedent(inspect.getsource(function))
    for change in changes:
        if source.count(change.old) != 1:
            raise LookupError(
                f"{change.target} has {source.count(change.old)} times {change.old!r}; it must be there once."
            )
        source = source.replace(change.old, change.new)
    compiled = compile(ast.parse(source), f"<sabotage of {function.__qualname__}>", "exec", dont_inherit=True)
    # The function is the only thing that is defined at the top of its own source.
    codes = [constant for constant in compiled.co_consts if isinstance(constant, CodeType)]
    return next(code for code in codes if code.co_name == function.__name__)
