"""Adds two features of AWS to MiniStack's logs: filter patterns with alternatives, and lines about a failed function.

On AWS, a pattern `?"one" ?"two"` matches a line with either term; MiniStack requires both terms. When a function cannot
be imported, dies or times out, Lambda logs a line about it. MiniStack logs another text, or nothing.
"""

import re
import shlex
from collections.abc import Callable
from datetime import UTC, datetime
from functools import wraps
from types import ModuleType
from typing import Any

_COMPILE, _EXECUTE = "_compile_filter_pattern", "_execute_function_warm"
_TIMED_OUT = re.compile(r"Task timed out after [\d.]+ seconds")
_DIED = ("Worker process died", "Worker process exited immediately")
_IMPORT = re.compile(r"No module named .*|cannot import name .*")

Matches = Callable[[str], bool]


def log_as_aws(logs: ModuleType, lambda_svc: ModuleType) -> None:
    """Add the patterns and the lines to MiniStack. Raises `AttributeError` if MiniStack lacks a needed name."""
    compile_pattern, execute = getattr(logs, _COMPILE), getattr(lambda_svc, _EXECUTE)

    @wraps(compile_pattern)
    def compiled(raw: str) -> Matches:
        terms = alternatives(raw)
        if terms is None:
            matches: Matches = compile_pattern(raw)
            return matches
        return lambda message: any(term in message for term in terms)

    @wraps(execute)
    def executed(func: Any, event: Any, request_id: str) -> Any:
        result = execute(func, event, request_id)
        if isinstance(result, dict) and result.get("error") and isinstance(result.get("body"), dict):
            line = last_line(str(result["body"].get("errorMessage", "")), request_id)
            if line:
                result["log"] = "\n".join(filter(None, [_without_failure_lines(result.get("log") or ""), line]))
        return result

    setattr(logs, _COMPILE, compiled)
    setattr(lambda_svc, _EXECUTE, executed)


def alternatives(raw: str) -> list[str] | None:
    """Return the terms of a pattern whose terms all begin with `?`; `None` for any other pattern."""
    try:
        terms = shlex.split(raw or "", posix=True)
    except ValueError:
        return None
    return [term[1:] for term in terms] if terms and all(term.startswith("?") for term in terms) else None


def last_line(message: str, request_id: str) -> str | None:
    """Return the line that Lambda logs for this error message; `None` if the function itself has logged the error."""
    if found := _TIMED_OUT.search(message):
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return f"{now} {request_id} {found[0]}"
    if found := _IMPORT.search(message):
        return f"[ERROR] Runtime.ImportModuleError: Unable to import module: {found[0]}"
    if any(words in message for words in _DIED):
        return f"RequestId: {request_id} Error: Runtime exited with error: signal: killed"
    return None


def _without_failure_lines(log: str) -> str:
    kept = (line for line in log.splitlines() if not _TIMED_OUT.fullmatch(line) and line not in _DIED)
    return "\n".join(kept)
