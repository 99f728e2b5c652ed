"""Tests that MiniStack (the embedded AWS) logs a function's failure as AWS does, and supports filter
patterns with alternatives."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest

from local.log_words import alternatives, last_line, log_as_aws
from ops.logic.deaths import death_of

REQUEST = "5f3c1a9e-0b1c-4d2e-8f30-112233445566"


def ministack(result: dict[str, Any]) -> tuple[Any, Any]:
    """Return stand-ins for two modules of MiniStack. In them, a call of a Lambda function returns `result`."""
    logs: Any = ModuleType("cloudwatch_logs")
    logs._compile_filter_pattern = lambda raw: lambda message: raw == message
    lambda_svc: Any = ModuleType("lambda_svc")
    lambda_svc._execute_function_warm = lambda *_: result
    log_as_aws(logs, lambda_svc)
    return logs, lambda_svc


@pytest.mark.parametrize(
    ("pattern", "terms"),
    [
        ('?"one" ?"two words" ?"[ERROR]"', ["one", "two words", "[ERROR]"]),
        ("one two", None),
        ('?"one" two', None),
        ("", None),
        ('?"open', None),
    ],
)
def test_a_pattern_of_alternatives_is_recognized(pattern: str, terms: list[str] | None) -> None:
    # GIVEN / WHEN / THEN
    assert alternatives(pattern) == terms


def test_a_pattern_of_alternatives_matches_a_message_that_contains_one_of_them() -> None:
    # GIVEN
    logs, _ = ministack({})
    # WHEN / THEN
    matches = logs._compile_filter_pattern('?"one" ?"two"')
    assert [matches(message) for message in ("a two b", "three")] == [True, False]
    assert logs._compile_filter_pattern("as it is")("as it is")


@pytest.mark.parametrize(
    ("message", "cause"),
    [
        ("Task timed out after 30.00 seconds", "Sandbox.Timedout"),
        ("Worker process died", "Runtime.ExitError"),
        ("Worker process exited immediately. stderr: ", "Runtime.ExitError"),
        ("Worker init failed: No module named 'gone'", "Runtime.ImportModuleError"),
    ],
)
def test_a_failed_function_is_logged_with_the_line_that_lambda_logs_on_aws(message: str, cause: str) -> None:
    # GIVEN / WHEN a function fails, with MiniStack's message in its log
    _, lambda_svc = ministack({"error": True, "body": {"errorMessage": message}, "log": f"own line\n{message}"})
    lines = lambda_svc._execute_function_warm({}, {}, REQUEST)["log"].splitlines()
    # THEN the function's own line remains, and the failure is logged once, with the line that
    # Lambda logs on AWS
    deaths = [death for line in lines if (death := death_of(line)) is not None]
    assert lines[0] == "own line"
    assert [death.cause for death in deaths] == [cause]


def test_no_line_is_added_for_an_error_that_the_function_has_logged() -> None:
    # GIVEN / WHEN / THEN
    assert last_line("KeyError: 'x'", REQUEST) is None


def test_a_version_of_ministack_that_lacks_a_needed_name_is_refused() -> None:
    # GIVEN / WHEN / THEN
    with pytest.raises(AttributeError):
        log_as_aws(ModuleType("logs"), ModuleType("lambda_svc"))
