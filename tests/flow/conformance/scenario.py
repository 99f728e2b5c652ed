"""A scenario: what is done, what AWS does then, and where AWS says so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from tests.flow.conformance.backends import Backend

IMPLEMENTATIONS = ("fake", "moto", "ministack")
Observe = Callable[[Backend], Any]


@dataclass(frozen=True, slots=True)
class Scenario:
    """One behaviour.

    Attributes:
        name: Unique; the table of known deviations refers to it.
        observe: Does it and returns what is seen, as plain data.
        expected: What AWS shows.
        docs: Where AWS documents it.
    """

    name: str
    observe: Observe
    expected: Any
    docs: str


def code_of(call: Callable[[], Any]) -> str:
    """The error code that ``call`` is refused with, ``ok``, or how an emulator crashed."""
    try:
        call()
    except ClientError as error:
        return error.response["Error"]["Code"].rpartition(".")[2]
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:
        return f"crash: {type(error).__name__}"  # an emulator in this process that fails at its own work
    return "ok"


def registry() -> tuple[list[Scenario], Callable[..., Callable[[Observe], Observe]]]:
    """An empty list of scenarios and the decorator that fills it."""
    scenarios: list[Scenario] = []

    def scenario(*, expected: Any, docs: str) -> Callable[[Observe], Observe]:
        def register(observe: Observe) -> Observe:
            scenarios.append(Scenario(observe.__name__, observe, expected, docs))
            return observe

        return register

    return scenarios, scenario
