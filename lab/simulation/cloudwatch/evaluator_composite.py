"""Composite alarms: the rule language, and the suppression of their actions.

Sources: Amazon CloudWatch API Reference, "PutCompositeAlarm" (AlarmRule, ActionsSuppressor and its wait and extension
periods); Amazon CloudWatch User Guide, "Alarm suppression".
"""

import ast
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Final

from lab.simulation.cloudwatch.evaluator_alarm import State
from lab.simulation.cloudwatch.evaluator_math import ExpressionSyntaxError, parse_as_python

_UNQUOTED: Final = re.compile(r"\b(ALARM|OK|INSUFFICIENT_DATA)\s*\(\s*([^()\"\s]+)\s*\)")

Rule = Callable[[Mapping[str, State]], bool]


@dataclass(frozen=True)
class CompositeAlarm:
    """A composite alarm as CloudWatch stores it.

    Attributes:
        rule: expression over the states of other alarms, which it references by name or ARN.
        suppressor: name of an alarm that suppresses all actions while it is in ALARM.
        wait_period: seconds that actions wait after the composite enters ALARM, because the suppressor may enter
            ALARM later.
        extension_period: seconds for which actions stay suppressed after the suppressor leaves ALARM.
    """

    name: str
    rule: str
    actions: Mapping[State, tuple[str, ...]] = field(default_factory=dict)
    suppressor: str | None = None
    wait_period: int = 0
    extension_period: int = 0

    def alarms(self) -> frozenset[str]:
        """The names that the rule mentions."""
        constants = (node.value for node in ast.walk(_tree(self.rule)) if isinstance(node, ast.Constant))
        return frozenset(_name(str(name)) for name in constants)

    def state(self, states: Mapping[str, State]) -> State:
        """ALARM if the rule holds, else OK.

        Raises:
            ExpressionSyntaxError: the rule cannot be read.
            KeyError: the rule names an alarm that does not exist.
        """
        return State.ALARM if parse_rule(self.rule)(states) else State.OK


@cache
def parse_rule(text: str) -> Rule:
    """Parse an AlarmRule; NOT binds closest, then AND, then OR.

    Raises:
        ExpressionSyntaxError: the text is not a rule.
    """
    return _rule(_tree(text))


def _tree(text: str) -> ast.expr:
    return parse_as_python(_UNQUOTED.sub(r'\1("\2")', text))


def _name(name_or_arn: str) -> str:
    return name_or_arn.rsplit(":alarm:", 1)[-1]


def _rule(node: ast.expr) -> Rule:
    match node:
        case ast.BoolOp(op, values):
            rules, joined = [_rule(value) for value in values], all if isinstance(op, ast.And) else any
            return lambda states: joined(rule(states) for rule in rules)
        case ast.UnaryOp(ast.Not(), operand):
            inner = _rule(operand)
            return lambda states: not inner(states)
        case ast.Name("TRUE" | "FALSE" as word):
            return lambda _: word == "TRUE"
        case ast.Call(ast.Name(word), [ast.Constant(str(name))], []) if word in State.__members__:
            return lambda states: states[_name(name)] == word
    raise ExpressionSyntaxError(f"{ast.unparse(node)!r} is not expected in a rule")
