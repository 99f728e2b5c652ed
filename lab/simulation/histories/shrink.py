"""Shrinks a failing history to the few steps that matter (delta debugging)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, TypeVar

from lab.simulation.histories.play import Player
from lab.simulation.histories.steps import At, History, Step, Work

T = TypeVar("T")
Fails = Callable[[History], bool]
MOST_TRIES: Final = 2000


def play(history: History) -> list[str]:
    """Return the violations of a history. An exception of the handlers or the simulator also counts."""
    try:
        return Player(history).play()
    except Exception as error:  # noqa: BLE001 - an error that ends a history is reported as a violation
        return [f"{type(error).__name__}: {error}"]


def labels(violations: Sequence[str]) -> frozenset[str]:
    """Return the labels of violations: the text before the first colon."""
    return frozenset(text.partition(":")[0] for text in violations)


@dataclass(slots=True)
class _Tries:
    """Checks whether a history still has a violation with one of the original labels. After ``left`` checks, the answer
    is always no."""

    wanted: frozenset[str]
    left: int = MOST_TRIES

    def __call__(self, history: History) -> bool:
        if self.left <= 0:
            return False
        self.left -= 1
        return bool(self.wanted & labels(play(history)))


def shrink(history: History) -> History:
    """Simplify ``history`` as long as it still has a violation with one of the original labels.
    Return the result.

    Raises:
        ValueError: ``history`` violates nothing.
    """
    wanted = labels(play(history))
    if not wanted:
        raise ValueError(f"The history of seed {history.seed} violates nothing: there is nothing to shrink.")
    fails = _Tries(wanted)
    while True:
        smaller = _simpler(_fewer(_simpler_settings(history, fails), fails), fails)
        if smaller == history:
            return history
        history = smaller


def _fewer(history: History, fails: Fails) -> History:
    def still_fails(steps: tuple[Step, ...]) -> bool:
        return fails(history.with_steps(steps))

    return history.with_steps(only_needed(history.steps, still_fails))


def only_needed(parts: tuple[T, ...], suffices: Callable[[tuple[T, ...]], bool]) -> tuple[T, ...]:
    """Remove parts, first long sequences, then shorter ones, as long as ``suffices`` is true for the rest."""
    size = max(len(parts) // 2, 1)
    while parts:
        start = 0
        while start < len(parts):
            candidate = parts[:start] + parts[start + size :]
            if suffices(candidate):
                parts = candidate
            else:
                start += size
        if size == 1:
            return parts
        size //= 2
    return parts


def _simpler(history: History, fails: Fails) -> History:
    """Make each step simpler if possible."""
    for index in range(len(history.steps)):
        found = True
        while found:
            found = False
            for candidate in _simpler_steps(history.steps[index]):
                steps = (*history.steps[:index], candidate, *history.steps[index + 1 :])
                if fails(history.with_steps(steps)):
                    history, found = history.with_steps(steps), True
                    break
    return history


def _simpler_settings(history: History, fails: Fails) -> History:
    """Try the same steps without the callers' final retries, or with the default batch size."""
    for simpler in (replace(history, patient=False), replace(history, batch_size=10)):
        if simpler != history and fails(simpler):
            return simpler
    return history


def _simpler_steps(step: Step) -> Iterator[Step]:
    if isinstance(step, Work) and step.most > 1:
        yield replace(step, most=1)
    for index, at in enumerate(_at(step)):
        rest = (*_at(step)[:index], *_at(step)[index + 1 :])
        yield _with(step, rest)
        for simpler in _simpler_at(at):
            yield _with(step, (*_at(step)[:index], simpler, *_at(step)[index + 1 :]))
    if getattr(step, "chance", 0):
        changed: Any = step
        yield replace(changed, chance=0)


def _simpler_at(at: At) -> Iterator[At]:
    for call in range(min(at.call, 3)):
        yield replace(at, call=call)
    for index, inner in enumerate(at.steps):
        before, after = at.steps[:index], at.steps[index + 1 :]
        yield replace(at, steps=before + after)
        for simpler in _simpler_steps(inner):
            yield replace(at, steps=(*before, simpler, *after))


def _at(step: Step) -> tuple[At, ...]:
    at: tuple[At, ...] = getattr(step, "at", ())
    return at


def _with(step: Step, at: tuple[At, ...]) -> Step:
    changed: Any = step  # callers pass only steps that have `at`
    replaced: Step = replace(changed, at=at)
    return replaced
