"""Changes the code of a function at run time, for every module that has imported it."""

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
    """One change in one function.

    Attributes:
        target: ``module:qualified.name`` of a function or method.
        old: Text that occurs exactly once in the dedented source.
        new: Text that replaces it.
    """

    target: str
    old: str
    new: str


@contextmanager
def rewritten(changes: Iterable[Rewrite]) -> Iterator[None]:
    """Apply the changes to their functions until the context ends.

    The function objects stay the same and get new code. So every module that has imported a function runs the new code.

    Raises:
        LookupError: a function's source does not contain `old` exactly once. Then change `old`.
        TypeError: the target is not a function.
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
        raise TypeError(f"{target} is a {type(found).__name__}; a sabotage needs a function.")
    return found


def _code(function: FunctionType, changes: Iterable[Rewrite]) -> CodeType:
    source = textwrap.dedent(inspect.getsource(function))
    for change in changes:
        if source.count(change.old) != 1:
            raise LookupError(
                f"{change.target} contains {change.old!r} {source.count(change.old)} times; exactly once is needed."
            )
        source = source.replace(change.old, change.new)
    compiled = compile(ast.parse(source), f"<sabotage of {function.__qualname__}>", "exec", dont_inherit=True)
    # The source defines only this function at its top level.
    codes = [constant for constant in compiled.co_consts if isinstance(constant, CodeType)]
    return next(code for code in codes if code.co_name == function.__name__)
