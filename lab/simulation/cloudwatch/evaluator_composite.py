"""Composite alarms: the rule language, and the suppression of their actions.

Sources: Amazon CloudWatch API Reference, "PutCompositeAlarm" (AlarmRule, ActionsSuppressor and its wait and extension
periods); Amazon CloudWatch User Guide, "Alarm suppression".
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from lab.simulation.cloudwatch.evaluator_alarm import State
from lab.simulation.cloudwatch.evaluator_syntax import ExpressionSyntaxError

_TOKEN: Final = re.compile(
    r"\s*(?:(?P<state>ALARM|OK|INSUFFICIENT_DATA)\s*\(\s*(?:\"(?P<quoted>[^\"]+)\"|(?P<bare>[^\s()\"]+))\s*\)"
    r"|(?P<word>AND|OR|NOT|TRUE|FALSE)\b|(?P<bracket>[()]))"
)

Rule = Callable[[Mapping[str, State]], bool]


@dataclass(frozen=True)
class CompositeAlarm:
    """A composite alarm as CloudWatch stores it.

    Attributes:
        rule: expression over other alarms' states; names or ARNs.
        suppressor: while this alarm is in ALARM, no action is taken.
        wait_period: seconds to wait, after a change, for the suppressor to go into ALARM.
        extension_period: seconds to wait after the suppressor left ALARM.
    """

    name: str
    rule: str
    actions: Mapping[State, tuple[str, ...]] = field(default_factory=dict)
    suppressor: str | None = None
    wait_period: int = 0
    extension_period: int = 0

    def alarms(self) -> frozenset[str]:
        """The names that the rule mentions."""
        found = (match["quoted"] or match["bare"] for match in _TOKEN.finditer(self.rule) if match["state"])
        return frozenset(_name(name) for name in found)

    def state(self, states: Mapping[str, State]) -> State:
        """ALARM if the rule holds, else OK.

        Raises:
            ExpressionSyntaxError: the rule cannot be read.
            KeyError: it names an alarm that does not exist.
        """
        return State.ALARM if parse_rule(self.rule)(states) else State.OK


def parse_rule(text: str) -> Rule:
    """Parse an AlarmRule; NOT binds closest, then AND, then OR.

    Raises:
        ExpressionSyntaxError: the text is not a rule.
    """
    parser = _RuleParser(text)
    rule = parser.either()
    parser.end()
    return rule


def _name(name_or_arn: str) -> str:
    return name_or_arn.rsplit(":alarm:", 1)[-1]


class _RuleParser:
    def __init__(self, text: str) -> None:
        self._text = text.strip()
        self._position = 0

    def end(self) -> None:
        if self._position != len(self._text):
            raise ExpressionSyntaxError(f"{self._text!r}: cannot be read at {self._text[self._position :]!r}")

    def either(self) -> Rule:
        rules = [self._both()]
        while self._accept("OR"):
            rules.append(self._both())
        return lambda states: any(rule(states) for rule in rules)

    def _both(self) -> Rule:
        rules = [self._single()]
        while self._accept("AND"):
            rules.append(self._single())
        return lambda states: all(rule(states) for rule in rules)

    def _single(self) -> Rule:
        match = self._next()
        word = match["word"]
        if word == "NOT":
            inner = self._single()
            return lambda states: not inner(states)
        if word in {"TRUE", "FALSE"}:
            return lambda _: word == "TRUE"
        if match["bracket"] == "(":
            rule = self.either()
            if self._next()["bracket"] != ")":
                raise ExpressionSyntaxError(f"{self._text!r}: ')' is missing")
            return rule
        if match["state"] is None:
            raise ExpressionSyntaxError(f"{self._text!r}: {match[0].strip()!r} is not expected there")
        name, state = _name(match["quoted"] or match["bare"]), State(match["state"])
        return lambda states: states[name] == state

    def _next(self) -> re.Match[str]:
        match = _TOKEN.match(self._text, self._position)
        if match is None:
            raise ExpressionSyntaxError(f"{self._text!r}: cannot be read at {self._text[self._position :]!r}")
        self._position = match.end()
        return match

    def _accept(self, word: str) -> bool:
        match = _TOKEN.match(self._text, self._position)
        if match is None or match["word"] != word:
            return False
        self._position = match.end()
        return True
