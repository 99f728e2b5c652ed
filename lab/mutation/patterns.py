"""Patterns of small mistakes in Python. Each makes mutants of the expressions and statements that match it."""

import ast
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any, Final

from lab.mutation.edits import Edit

_PROSE: Final = {"help", "description", "metavar", "epilog", "prog", "reason", "url", "why", "title", "strict"}
"""Arguments that are not mutated: texts for people, and `strict` of `zip`."""
_WIDE: Final = {"actions", "resources", "Action", "Resource", "principals"}
_COMPARISONS: Final[dict[type[ast.cmpop], ast.cmpop]] = {
    ast.Lt: ast.LtE(),
    ast.LtE: ast.Lt(),
    ast.Gt: ast.GtE(),
    ast.GtE: ast.Gt(),
    ast.Eq: ast.NotEq(),
    ast.NotEq: ast.Eq(),
    ast.In: ast.NotIn(),
    ast.NotIn: ast.In(),
    ast.Is: ast.IsNot(),
    ast.IsNot: ast.Is(),
}
_OPERATORS: Final[dict[type[ast.operator], ast.operator]] = {
    ast.Sub: ast.Add(),
    ast.Mult: ast.FloorDiv(),
    ast.FloorDiv: ast.Mult(),
    ast.Div: ast.Mult(),
}
_Change = tuple[str, int, int, str]
"""A pattern's name, the start and the end of the replaced span in bytes, and the new text."""


def python_edits(path: str, source: str) -> list[Edit]:
    """Return all edits that the patterns can make in a module."""
    finder = _Finder(source)
    finder.visit(finder.tree)
    seen: Counter[tuple[str, str]] = Counter()
    edits = []
    for place, (pattern, start, end, text) in finder.found:
        if source.encode()[start:end] != text.encode():
            seen[place, pattern] += 1
            edits.append(Edit(path, place, pattern, seen[place, pattern], start, end, text))
    return edits


class _Source:
    """The source text of a module. Makes the changes that replace, swap or remove syntax nodes."""

    def __init__(self, text: str) -> None:
        self.bytes = text.encode()
        self._starts = [0]
        for line in self.bytes.splitlines(keepends=True):
            self._starts.append(self._starts[-1] + len(line))

    def start(self, node: Any) -> int:
        """Return the offset of a node's first byte."""
        return self._starts[int(node.lineno) - 1] + int(node.col_offset)

    def end(self, node: Any) -> int:
        """Return the offset after a node's last byte."""
        return self._starts[int(node.end_lineno) - 1] + int(node.end_col_offset)

    def replaced(self, pattern: str, node: ast.AST, text: str) -> _Change:
        """Return the change that replaces a node with a text."""
        return pattern, self.start(node), self.end(node), text

    def swapped(self, pattern: str, one: ast.AST, two: ast.AST) -> _Change:
        """Return the change that swaps two nodes; `one` is before `two`."""
        start, middle, begin, end = self.start(one), self.end(one), self.start(two), self.end(two)
        text = self.bytes[begin:end] + self.bytes[middle:begin] + self.bytes[start:middle]
        return pattern, start, end, text.decode()

    def without(self, pattern: str, items: Sequence[tuple[ast.AST, ast.AST]], index: int) -> _Change:
        """Return the change that removes an item from a list. `items` has the first and last node of each item."""
        start, end = self.start(items[index][0]), self.end(items[index][1])
        if index + 1 < len(items):
            return pattern, start, self.start(items[index + 1][0]), ""
        comma = re.match(rb"\s*,", self.bytes[end:])
        if index:
            # The last item is removed. The rest ends with a comma, which is allowed in lists, tuples and calls.
            return pattern, self.end(items[index - 1][1]), end, "" if comma else ","
        return pattern, start, end + (comma.end() if comma else 0), ""


class _Finder(ast.NodeVisitor):
    """Walks through a module, but skips annotations, docstrings, logging and f-strings."""

    def __init__(self, source: str) -> None:
        self.tree = tree = ast.parse(source)
        self._source = _Source(source)
        self.found: list[tuple[str, _Change]] = []
        self._place: list[str] = []
        self._siblings: dict[str, set[str]] = defaultdict(set)
        modules = {
            alias.asname or alias.name for each in tree.body if isinstance(each, ast.Import) for alias in each.names
        }
        called = {id(each.func) for each in ast.walk(tree) if isinstance(each, ast.Call)}
        self._read = {
            id(each)
            for each in ast.walk(tree)
            if isinstance(each, ast.Attribute)
            and isinstance(each.ctx, ast.Load)
            and id(each) not in called
            and ast.unparse(each.value).split(".")[0] not in modules
        }
        for each in ast.walk(tree):
            if isinstance(each, ast.Attribute) and id(each) in self._read:
                self._siblings[ast.unparse(each.value)].add(each.attr)

    def visit(self, node: ast.AST) -> None:
        """Collect the changes that the patterns can make to a node, then to its children."""
        if isinstance(node, ast.JoinedStr) or _is_exempt(node):
            return
        named = isinstance(node, ast.FunctionDef | ast.ClassDef)
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            self._place.append(node.name)
        self.found += [(".".join(self._place), change) for change in self._changes(node)]
        for field, value in ast.iter_fields(node):
            if field in {"annotation", "returns", "decorator_list"} or (
                isinstance(node, ast.Subscript) and field == "slice"
            ):
                continue
            for child in value if isinstance(value, list) else [value]:
                if isinstance(child, ast.AST) and not (isinstance(child, ast.keyword) and child.arg in _PROSE):
                    self.visit(child)
        if named:
            self._place.pop()

    def _changes(self, node: ast.AST) -> Iterator[_Change]:
        source = self._source
        if isinstance(node, ast.Attribute) and id(node) in self._read:
            others = sorted(self._siblings[ast.unparse(node.value)])
            other = others[(others.index(node.attr) + 1) % len(others)]
            yield "other-value", source.end(node.value), source.end(node), f".{other}"
        elif isinstance(node, ast.Call):
            yield from _of_call(node, source)
        elif isinstance(node, ast.Constant):
            yield from _of_constant(node, source)
        elif isinstance(node, ast.Tuple | ast.List | ast.Set | ast.Dict):
            yield from _of_items(node, source)
        elif isinstance(node, ast.expr) and not isinstance(node, ast.IfExp):
            yield from _of_operation(node, source)
        else:
            yield from _of_statement(node, source)


def _of_items(node: ast.Tuple | ast.List | ast.Set | ast.Dict, source: _Source) -> Iterator[_Change]:
    if isinstance(node, ast.Dict):
        items = [(key or value, value) for key, value in zip(node.keys, node.values, strict=True)]
        if None in node.keys:
            return
    else:
        items = [(each, each) for each in node.elts]
        if not isinstance(getattr(node, "ctx", ast.Load()), ast.Load):
            return
    for index in range(len(items)):
        if isinstance(node, ast.Tuple) and len(items) == 2:
            yield source.replaced("leave-out-item", node, f"({ast.unparse(node.elts[1 - index])},)")
        else:
            yield source.without("leave-out-item", items, index)


def _of_call(node: ast.Call, source: _Source) -> Iterator[_Change]:
    named = [each for each in node.keywords if each.arg and each.arg not in _PROSE]
    items: list[tuple[ast.AST, ast.AST]] = [(each, each) for each in (*node.args, *node.keywords)]
    for each in named:
        yield source.without("drop-argument", items, items.index((each, each)))
        if each.arg in _WIDE:
            yield source.replaced("widen", each.value, '("*",)')
    for one, two in pairwise(named):
        if _alike(one.value, two.value):
            yield source.swapped("swap-settings", one.value, two.value)
    for first, second in pairwise(node.args):
        if _alike(first, second):
            yield source.swapped("swap-arguments", first, second)


def _alike(one: ast.expr, two: ast.expr) -> bool:
    """Return whether a person could confuse two values: names, attributes, or constants of one type."""
    if isinstance(one, ast.Constant) and isinstance(two, ast.Constant):
        return type(one.value) is type(two.value) and one.value != two.value
    names = (ast.Name, ast.Attribute)
    return isinstance(one, names) and isinstance(two, names) and ast.unparse(one) != ast.unparse(two)


def _of_constant(node: ast.Constant, source: _Source) -> Iterator[_Change]:
    value = node.value
    if isinstance(value, bool):
        yield source.replaced("invert-flag", node, str(not value))
    elif isinstance(value, int | float):
        yield source.replaced("change-number", node, repr(value + 1))
    elif isinstance(value, str) and len(value) > 1 and not any(each.isspace() for each in value):
        yield source.replaced("change-text", node, repr(value + "X"))


def _of_operation(node: ast.expr, source: _Source) -> Iterator[_Change]:
    if isinstance(node, ast.BoolOp):
        for each in node.values:
            rest = [other for other in node.values if other is not each]
            kept = ast.BoolOp(node.op, rest) if len(rest) > 1 else rest[0]
            yield source.replaced("drop-condition", node, f"({ast.unparse(kept)})")
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield source.replaced("invert-condition", node, f"bool({ast.unparse(node.operand)})")
    elif isinstance(node, ast.Compare) and len(node.ops) == 1:
        other = ast.Compare(node.left, [_COMPARISONS[type(node.ops[0])]], node.comparators)
        yield source.replaced("compare-otherwise", node, f"({ast.unparse(other)})")
    elif isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
        another = ast.BinOp(node.left, _OPERATORS[type(node.op)], node.right)
        yield source.replaced("compute-otherwise", node, f"({ast.unparse(another)})")


def _of_statement(node: ast.AST, source: _Source) -> Iterator[_Change]:
    if isinstance(node, ast.If | ast.IfExp):
        yield source.replaced("force-condition", node.test, "True")
        yield source.replaced("force-condition", node.test, "False")
    elif isinstance(node, ast.AugAssign) or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)):
        yield source.replaced("leave-out-step", node, "pass")
    elif isinstance(node, ast.For | ast.comprehension):
        yield source.replaced("first-only", node.iter, f"list({ast.unparse(node.iter)})[:1]")
        for each in node.ifs if isinstance(node, ast.comprehension) else ():
            yield source.replaced("drop-condition", each, "True")
    elif isinstance(node, ast.While):
        # The body runs only once. It stays in a loop, because `break` and `continue` need one.
        once = f"({ast.unparse(node.test)}) and not locals().get('_ran') and [_ran := True]"
        yield source.replaced("first-only", node.test, once)


def _is_exempt(node: ast.AST) -> bool:
    """Return whether a node is not mutated: docstrings, imports, `raise`, log lines, types, and the like."""
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return True
    if isinstance(node, ast.Import | ast.ImportFrom | ast.Raise | ast.Assert):
        return True
    if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id == "__all__":
        return True
    if isinstance(node, ast.If):
        return ast.unparse(node.test) in {"TYPE_CHECKING", "__name__ == '__main__'"}
    return isinstance(node, ast.Call) and ast.unparse(node.func).startswith(("logger.", "cast", "TypeVar"))
