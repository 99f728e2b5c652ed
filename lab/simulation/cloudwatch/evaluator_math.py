"""Metric math: the subset that the alarm table uses, with CloudWatch's rules for missing points.

Source: Amazon CloudWatch User Guide, "Using math expressions with CloudWatch metrics", sections "Basic arithmetic
functions" (missing values count as 0; a point that would divide by zero is dropped), "Comparison and logical
operators" and "Using IF expressions". Anything outside the subset is an error.
"""

import ast
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, reduce
from itertools import pairwise
from operator import eq, ge, gt, le, lt, ne
from typing import Final

from lab.simulation.cloudwatch.evaluator_metrics import Series

Value = float | Series


class ExpressionSyntaxError(ValueError):
    """Metric math, or the rule of a composite alarm, cannot be parsed."""


class MathError(ValueError):
    """The expression is outside the subset, or combines types in a way that CloudWatch refuses."""


@dataclass(frozen=True)
class MathContext:
    """The series that an expression can use, and the periods for which it is evaluated.

    Attributes:
        metrics: the series of the alarm's metrics, by id.
        named: the series of the earlier expressions, by id.
        starts: the start of every period in the range, oldest first; the result of `FILL` has a value for each.
    """

    metrics: Mapping[str, Series]
    named: Mapping[str, Series]
    starts: Sequence[int]


def evaluate(expression: str, context: MathContext) -> Series:
    """Evaluate an alarm's expression.

    Raises:
        ExpressionSyntaxError: the text is not metric math.
        MathError: the expression is outside the subset, or does not yield the time series that an alarm requires.
    """
    value = _value(parse(expression), context)
    if not isinstance(value, dict):
        raise MathError(f"{expression!r} yields a scalar; an alarm needs one time series")
    return value


_WORDS: Final = re.compile(r'"[^"]*"|\b(?:AND|OR|NOT)\b')


@cache
def parse_as_python(text: str) -> ast.expr:
    """Parse an expression: operators and precedence are Python's, except that AND, OR and NOT are in upper case.

    Raises:
        ExpressionSyntaxError: the text is not an expression.
    """
    python = _WORDS.sub(lambda found: found[0] if found[0].startswith('"') else found[0].lower(), text.strip())
    try:
        return ast.parse(python, mode="eval").body
    except SyntaxError as error:
        raise ExpressionSyntaxError(f"{text!r} cannot be read: {error.msg}") from None


@cache
def parse(text: str) -> ast.expr:
    """Parse a metric math expression. Raises `ExpressionSyntaxError`."""
    tree = parse_as_python(text)
    for node in ast.walk(tree):
        number = not isinstance(node, ast.Constant) or type(node.value) in (int, float)
        if not (isinstance(node, _GRAMMAR) and number):
            raise ExpressionSyntaxError(f"{text!r}: {type(node).__name__} is not expected in metric math")
    return tree


def _value(node: ast.expr, context: MathContext) -> Value:
    match node:
        case ast.Constant(int() | float() as number):
            return float(number)
        case ast.Name(name):
            return _lookup(name, context)
        case ast.BinOp(left, operator, right) | ast.Compare(left, [operator], [right]):
            return _broadcast(_OPERATORS[type(operator)], _value(left, context), _value(right, context))
        case ast.BoolOp(operator, values):
            joined = _OPERATORS[type(operator)]
            return reduce(lambda a, b: _broadcast(joined, a, b), [_value(each, context) for each in values])
        case ast.Call(ast.Name(name), arguments, []):
            return _function(name)(arguments, context)
    raise ExpressionSyntaxError(f"{ast.unparse(node)!r} is not expected in metric math")


def _lookup(name: str, context: MathContext) -> Series:
    for known in (context.metrics, context.named):
        if name in known:
            return known[name]
    ids = sorted({*context.metrics, *context.named})
    raise MathError(f"{name!r} is not the id of a metric or expression; the ids are {', '.join(ids)}")


def _function(name: str) -> "Function":
    if name not in _FUNCTIONS:
        raise MathError(f"function {name} is not in the supported subset: {', '.join(sorted(_FUNCTIONS))}")
    return _FUNCTIONS[name]


def _series(value: Value) -> Series:
    if not isinstance(value, dict):
        raise MathError("the first argument of FILL and DIFF must be a time series, not a number")
    return value


# --- operators -------------------------------------------------------------------------------------------------------

Operator = Callable[[float, float], float | None]


def _divide(a: float, b: float) -> float | None:
    return None if b == 0 else a / b


def _flag(test: Callable[[float, float], bool]) -> Operator:
    return lambda a, b: float(test(a, b))


_OPERATORS: Final[dict[type[ast.AST], Operator]] = {
    ast.Add: lambda a, b: a + b,
    ast.Sub: lambda a, b: a - b,
    ast.Mult: lambda a, b: a * b,
    ast.Div: _divide,
    ast.Eq: _flag(eq),
    ast.NotEq: _flag(ne),
    ast.Lt: _flag(lt),
    ast.LtE: _flag(le),
    ast.Gt: _flag(gt),
    ast.GtE: _flag(ge),
    ast.And: _flag(lambda a, b: bool(a) and bool(b)),
    ast.Or: _flag(lambda a, b: bool(a) or bool(b)),
}
_GRAMMAR: Final = (ast.BinOp, ast.BoolOp, ast.Call, ast.Compare, ast.Constant, ast.Load, ast.Name, *_OPERATORS)


def _broadcast(operator: Operator, left: Value, right: Value) -> Value:
    if isinstance(left, float) and isinstance(right, float):
        scalar = operator(left, right)
        if scalar is None:
            raise MathError("a scalar is divided by zero")
        return scalar
    # Between two series a missing value counts as 0; if both values are missing, the result has no point.
    starts = {*(left if isinstance(left, dict) else ()), *(right if isinstance(right, dict) else ())}
    result: Series = {}
    for start in sorted(starts):
        a = left.get(start, 0.0) if isinstance(left, dict) else left
        b = right.get(start, 0.0) if isinstance(right, dict) else right
        point = operator(a, b)
        if point is not None:
            result[start] = point
    return result


# --- functions -------------------------------------------------------------------------------------------------------

Function = Callable[[Sequence[ast.expr], MathContext], Value]


def _arguments(name: str, nodes: Sequence[ast.expr], allowed: range) -> None:
    if len(nodes) not in allowed:
        raise MathError(f"{name}: number of arguments is {len(nodes)}; allowed: {' or '.join(map(str, allowed))}")


def _if(nodes: Sequence[ast.expr], context: MathContext) -> Value:
    _arguments("IF", nodes, range(2, 4))
    condition = _value(nodes[0], context)
    then = _value(nodes[1], context)
    other = _value(nodes[2], context) if len(nodes) == 3 else None
    if isinstance(condition, float):
        chosen = then if condition else other
        return {} if chosen is None else chosen
    result: Series = {}
    for start, test in condition.items():
        # If the condition is true, a missing `then` counts as 0. If the condition is false and `other` is missing, the
        # result has no point.
        point = _at(then, start, 0.0) if test else _at(other, start, None)
        if point is not None:
            result[start] = point
    return result


def _at(value: float | Series | None, start: int, default: float | None) -> float | None:
    return value.get(start, default) if isinstance(value, dict) else value


def _fill(nodes: Sequence[ast.expr], context: MathContext) -> Value:
    _arguments("FILL", nodes, range(2, 3))
    series = _series(_value(nodes[0], context))
    filler = _value(nodes[1], context)
    if not isinstance(filler, float):
        raise MathError("FILL is supported only with a number as its second argument")
    return {start: series.get(start, filler) for start in context.starts}


def _diff(nodes: Sequence[ast.expr], context: MathContext) -> Value:
    _arguments("DIFF", nodes, range(1, 2))
    points = sorted(_series(_value(nodes[0], context)).items())
    return {start: value - before for (_, before), (start, value) in pairwise(points)}


_FUNCTIONS: Final[dict[str, Function]] = {
    "IF": _if,
    "FILL": _fill,
    "DIFF": _diff,
}
