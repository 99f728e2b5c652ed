"""`--where KEY=VALUE`: conditions that select dead letters."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from ops.logic.case import Case
from ops.logic.dead_letter import State
from ops.logic.durations import WrongValueError, parse_duration

_TEXTS: Final[Mapping[str, Callable[[Case], str | None]]] = {
    "order_id": lambda case: case.letter.order_id,
    "message_id": lambda case: case.letter.message_id,
    "error_type": lambda case: case.error_type,
    "state": lambda case: case.state.value,
}
_FAILURE: Final = frozenset({"error_type", "state"})
_AGES: Final = ("older_than", "younger_than")
KEYS: Final = (*_TEXTS, *_AGES)


@dataclass(frozen=True, slots=True)
class Conditions:
    """Conditions on a dead letter. Each key must match. If a key has several texts, one of them must match."""

    texts: Mapping[str, frozenset[str]]
    older_than: int | None = None
    younger_than: int | None = None

    @classmethod
    def parse(cls, conditions: Sequence[str]) -> "Conditions":
        """Read `KEY=VALUE` texts. If an age is given twice, the last one counts.

        Raises:
            WrongValueError: a condition is malformed, its key is unknown, or its value is no duration or state.
        """
        texts: dict[str, set[str]] = {}
        ages: dict[str, int] = {}
        for condition in conditions:
            key, equals, value = condition.partition("=")
            if not equals or not value or key not in KEYS:
                raise WrongValueError(
                    f"--where {condition!r}: allowed is KEY=VALUE. KEY is one of {', '.join(KEYS)}; "
                    "for example --where error_type=ContentionError."
                )
            if key in _AGES:
                ages[key] = parse_duration(value)
            else:
                texts.setdefault(key, set()).add(value)
        if unknown := sorted(texts.get("state", set()) - {state.value for state in State}):
            raise WrongValueError(f"--where state={unknown[0]}: allowed: {', '.join(state.value for state in State)}.")
        return cls({key: frozenset(values) for key, values in texts.items()}, **ages)

    def without_failure(self) -> "Conditions":
        """Return all conditions except those on `error_type` and `state`."""
        return replace(self, texts={key: values for key, values in self.texts.items() if key not in _FAILURE})

    def matches(self, case: Case, now: float) -> bool:
        """Return whether `case` matches. `now` is in epoch seconds."""
        age = now - case.letter.sent_at
        if self.older_than is not None and age < self.older_than:
            return False
        if self.younger_than is not None and age >= self.younger_than:
            return False
        return all(_TEXTS[key](case) in values for key, values in self.texts.items())
