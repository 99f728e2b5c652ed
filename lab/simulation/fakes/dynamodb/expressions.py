"""Condition, update and projection expressions, compiled to functions over items.

Python's own parser reads them: placeholders become subscripts, `=` and `<>` become `==` and `!=`. Operators have the
same precedence in both languages. Python syntax that DynamoDB does not have is refused.
"""

from __future__ import annotations

import ast
import importlib.util
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from lab.simulation.fakes.dynamodb import values as av
from lab.simulation.fakes.dynamodb.values import AttributeValue, InvalidValueError, Item
from lab.simulation.fakes.errors import UnsupportedByFakeError

Values = Mapping[str, AttributeValue]
Operand = Callable[[Item, Values], AttributeValue | None]
Condition = Callable[[Item, Values], bool]
Projection = Callable[[Item], Item]
# Arguments: the item before the update, the item to change, the values. Right-hand sides read the
# item as it was before the update.
Action = Callable[[Item, Item, Values], object]

_TOKEN = re.compile(r"\s*(?:[#:]\w+|[A-Za-z_]\w*|<>|<=|>=|[=<>(),.\[\]+\-])", re.ASCII)
_SYMBOLS = {"=": "==", "<>": "!="}
# Python accepts a trailing comma, and `in` without brackets. DynamoDB refuses both.
_LENIENT = re.compile(r",\s*(?:\)|$|(?:SET|REMOVE|ADD|DELETE)\b)|(?<![#:\w])IN\b(?!\s*\()", re.IGNORECASE)
_CLAUSES = frozenset({"SET", "REMOVE", "ADD", "DELETE"})
_MISSING = "The provided expression refers to an attribute that does not exist in the item"
_COMPARISONS: dict[type[ast.cmpop], Callable[[AttributeValue | None, AttributeValue | None], bool]] = {
    ast.Eq: av.equal,
    ast.Lt: lambda a, b: av.order(a, b) == -1,
    ast.LtE: lambda a, b: av.order(a, b) in {-1, 0},
    ast.Gt: lambda a, b: av.order(a, b) == 1,
    ast.GtE: lambda a, b: av.order(a, b) in {0, 1},
    # As in DynamoDB, `<>` is true if an attribute is missing.
    ast.NotEq: lambda a, b: not av.equal(a, b),
}


class InvalidExpressionError(ValueError):
    """An expression that the service refuses. The exception's text becomes the service's validation message."""


def _unexpected(what: str) -> InvalidExpressionError:
    return InvalidExpressionError(f'Syntax error; token: "{what}"')


def _unmodelled(what: str) -> UnsupportedByFakeError:
    return UnsupportedByFakeError(f"{what} is not modelled. Extend the fake.")


@cache
def reserved_words() -> frozenset[str]:
    """DynamoDB's reserved words in upper case, read from a file of the installed moto. Moto is not imported."""
    spec = importlib.util.find_spec("moto")
    assert spec is not None, "moto is needed: install requirements-dev.txt"
    listing = Path(str(spec.origin)).parent / "dynamodb" / "parsing" / "reserved_keywords.txt"
    return frozenset(listing.read_text(encoding="utf-8").upper().split())


def _tokens(expression: str) -> Iterator[str]:
    """Yield an expression's tokens as Python tokens, with the keywords of clauses in upper case."""
    if not expression.strip():
        raise InvalidExpressionError("The expression can not be empty;")
    if lenient := _LENIENT.search(expression):
        raise _unexpected(lenient[0])
    position, end = 0, len(expression.rstrip())
    while position < end:
        match = _TOKEN.match(expression, position)
        if match is None:
            raise _unexpected(expression[position:].split()[0])
        position = match.end()
        yield _python(match[0].strip())


def _python(text: str) -> str:
    upper = text.upper()
    if text in {".", "[", "]"}:
        raise _unmodelled("a path into an attribute")
    if text[0] in "#:":
        return f"{'N' if text[0] == '#' else 'V'}[{text!r}]"
    if upper in {"AND", "OR", "NOT", "IN"}:
        return upper.lower()
    return upper if upper in _CLAUSES else _SYMBOLS.get(text, text)


def _tree(words: Iterator[str] | list[str], *, of: str = "{}") -> ast.expr:
    python = of.format(" ".join(words))
    try:
        return ast.parse(python, mode="eval").body
    except SyntaxError as error:
        raise _unexpected((error.text or python)[(error.offset or 1) - 1 :] or "<EOF>") from None


@dataclass(slots=True)
class Scope:
    """A request's attribute names, and the placeholders that an expression uses."""

    names: Mapping[str, str]
    used_names: set[str] = field(default_factory=set)
    used_values: set[str] = field(default_factory=set)

    def attribute(self, node: ast.expr) -> str:
        """Return the name of a top-level attribute, written literally or as ``#placeholder``."""
        match node:
            case ast.Name(name):
                if name.upper() in reserved_words():
                    raise InvalidExpressionError(f"Attribute name is a reserved keyword; reserved keyword: {name}")
                return name
            case ast.Subscript(ast.Name("N"), ast.Constant(str(name))):
                self.used_names.add(name)
                if name not in self.names:
                    raise InvalidExpressionError(f"An expression attribute name is not defined; attribute name: {name}")
                return self.names[name]
        raise _unexpected(ast.unparse(node))

    def operand(self, node: ast.expr) -> Operand:
        """Compile an attribute or a ``:value``. `requests.py` checks that every value is defined."""
        match node:
            case ast.Subscript(ast.Name("V"), ast.Constant(str(placeholder))):
                self.used_values.add(placeholder)
                return lambda _item, values: values[placeholder]
        name = self.attribute(node)
        return lambda item, _values: item.get(name)

    # --- conditions -------------------------------------------------------------------------------------------------

    def condition(self, node: ast.expr) -> Condition:
        """Compile a condition."""
        match node:
            case ast.BoolOp(op, nodes):
                parts, joined = [self.condition(each) for each in nodes], all if isinstance(op, ast.And) else any
                return lambda item, values: joined(part(item, values) for part in parts)
            case ast.UnaryOp(ast.Not(), inner):
                negated = self.condition(inner)
                return lambda item, values: not negated(item, values)
            case ast.Compare(left, [ast.In()], [right]):
                given, options = self.operand(left), [self.operand(each) for each in getattr(right, "elts", [right])]
                return lambda item, values: any(av.equal(given(item, values), one(item, values)) for one in options)
            case ast.Compare(left, [operator], [right]) if type(operator) in _COMPARISONS:
                compare, a, b = _COMPARISONS[type(operator)], self.operand(left), self.operand(right)
                return lambda item, values: compare(a(item, values), b(item, values))
            case ast.Call(ast.Name(name), arguments, []):
                return self._function(name, arguments)
        raise _unexpected(ast.unparse(node))

    def _function(self, name: str, arguments: list[ast.expr]) -> Condition:
        # The service accepts function names only in lower case.
        match name, arguments:
            case "attribute_exists", [node]:
                present = self.attribute(node)
                return lambda item, _values: item.get(present) is not None
            case "attribute_not_exists", [node]:
                absent = self.attribute(node)
                return lambda item, _values: item.get(absent) is None
            case "attribute_type", [node, wanted]:
                attribute, kind = self.attribute(node), self.operand(wanted)
                return lambda item, values: (
                    attribute in item and kind(item, values) == {"S": av.type_of(item[attribute])}
                )
            case (("begins_with" | "contains" | "size" | "BETWEEN"), _):
                raise _unmodelled(name)
        raise InvalidExpressionError(f"Invalid function name; function: {name}")

    # --- updates ----------------------------------------------------------------------------------------------------

    def term(self, node: ast.expr) -> Operand:
        """Compile the right-hand side of a SET: an operand, a sum or difference of two terms, or ``if_not_exists``."""
        match node:
            case ast.BinOp(left, (ast.Add() | ast.Sub()) as operator, right):
                if isinstance(left, ast.BinOp) or isinstance(right, ast.BinOp):
                    raise _unexpected(ast.unparse(node))
                return _sum(self.term(left), self.term(right), 1 if isinstance(operator, ast.Add) else -1)
            case ast.Call(ast.Name("if_not_exists"), [attribute, default], []):
                name, otherwise = self.attribute(attribute), self.term(default)
                return lambda item, values: item[name] if name in item else otherwise(item, values)
            case ast.Call(ast.Name("list_append"), _, _):
                raise _unmodelled("list_append")
            case ast.Call(ast.Name(name), _, _):
                raise InvalidExpressionError(f"Invalid function name; function: {name}")
        return self.operand(node)

    def set_to(self, node: ast.expr) -> tuple[str, Action]:
        """Compile one assignment of a SET clause. Return the name of its attribute, and the action."""
        match node:
            case ast.Compare(left, [ast.Eq()], [right]):
                target, value = self.attribute(left), self.term(right)
            case _:
                raise _unexpected(ast.unparse(node))

        def action(before: Item, item: Item, values: Values) -> None:
            result = value(before, values)
            if result is None:
                raise InvalidValueError(_MISSING)
            item[target] = av.copy_value(result)

        return target, action

    def removed(self, node: ast.expr) -> tuple[str, Action]:
        """Compile one attribute of a REMOVE clause. Return its name, and the action."""
        target = self.attribute(node)
        return target, lambda _before, item, _values: item.pop(target, None)


def _sum(left: Operand, right: Operand, sign: int) -> Operand:
    def total(item: Item, values: Values) -> AttributeValue:
        a, b = left(item, values), right(item, values)
        if a is None or b is None:
            raise InvalidValueError(_MISSING)
        return av.add(a, b, sign)

    return total


@dataclass(frozen=True, slots=True)
class Update:
    """A compiled update. ``roots`` are the attributes that it may change."""

    actions: tuple[Action, ...]
    roots: frozenset[str]

    def apply(self, item: Item, values: Values) -> Item:
        """Return the new item and leave ``item`` unchanged. The items share values, which are never changed in place.

        Raises:
            InvalidValueError: a missing operand, or a wrong type.
        """
        changed = dict(item)
        for action in self.actions:
            action(item, changed, values)
        return changed


def parse_condition(expression: str, scope: Scope) -> Condition:
    """Compile a condition. Raises `InvalidExpressionError`."""
    return scope.condition(_tree(_tokens(expression)))


def parse_update(expression: str, scope: Scope) -> Update:
    """Compile an update. Raises `InvalidExpressionError`, also if a path or a clause occurs twice."""
    clauses: dict[str, list[str]] = {}
    clause = ""
    for word in _tokens(expression):
        if word in clauses:
            raise InvalidExpressionError(f'The "{word}" section can only be used once in an update expression;')
        if word in {"ADD", "DELETE"}:
            raise _unmodelled(word)
        if word in _CLAUSES:
            clause = word
            clauses[clause] = []
        elif not clause:
            raise _unexpected(word)
        else:
            clauses[clause].append(word)
    done = []
    for clause, words in clauses.items():
        one = scope.set_to if clause == "SET" else scope.removed
        done += [one(node) for node in _listed(words)]
    _refuse_overlaps([target for target, _ in done])
    return Update(tuple(action for _, action in done), frozenset(target for target, _ in done))


def parse_projection(expression: str, scope: Scope) -> Projection:
    """Compile a projection of attributes. Raises `InvalidExpressionError`."""
    chosen = [scope.attribute(node) for node in _listed(list(_tokens(expression)))]
    _refuse_overlaps(chosen)
    return lambda item: {name: av.copy_value(item[name]) for name in chosen if name in item}


def _listed(words: list[str]) -> list[ast.expr]:
    tree = _tree(words, of="[{}]")
    if not (isinstance(tree, ast.List) and tree.elts):
        raise _unexpected("<EOF>")
    return tree.elts


def _refuse_overlaps(names: list[str]) -> None:
    if len(set(names)) < len(names):
        raise InvalidExpressionError(
            f"Two document paths overlap with each other; must remove or rewrite one of these paths; path: {names[-1]}"
        )
