"""A scenario: an action, AWS's result, and the documentation of that result."""

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
    """One documented behaviour.

    Attributes:
        name: Unique name, which the table of deviations uses.
        observe: Performs the action and returns the result as plain data.
        expected: AWS's result.
        docs: URL of AWS's documentation.
    """

    name: str
    observe: Observe
    expected: Any
    docs: str


def code_of(call: Callable[[], Any]) -> str:
    """Make the call. Return ``ok``, the error code, or the type of the Python error if an emulator crashes."""
    try:
        call()
    except ClientError as error:
        return error.response["Error"]["Code"].rpartition(".")[2]
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:
        return f"crash: {type(error).__name__}"  # moto runs in this process, so its bugs are Python errors here
    return "ok"


def registry() -> tuple[list[Scenario], Callable[..., Callable[[Observe], Observe]]]:
    """Return an empty list of scenarios, and the decorator that fills it."""
    scenarios: list[Scenario] = []

    def scenario(*, expected: Any, docs: str) -> Callable[[Observe], Observe]:
        def register(observe: Observe) -> Observe:
            scenarios.append(Scenario(observe.__name__, observe, expected, docs))
            return observe

        return register

    return scenarios, scenario
