"""Lets an alias with weights distribute calls to two versions.

MiniStack stores an alias's weights but always invokes its main version. Here the weights decide, as in Lambda: each
invocation through the alias (by an API, a mapping, or directly) goes to a version drawn at random. `GetFunction` and
`GetFunctionConfiguration` with an alias show its main version, as on AWS.
"""

import random
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from functools import wraps
from types import ModuleType
from typing import Any

_DESCRIBING = ("_get_function", "_get_function_config")
_RESOLVE = "_effective_func_record_for_qualifier"
_INVOKE = "_invoke"
_HELPERS = ("_functions", "_qp_first")
_describing: ContextVar[bool] = ContextVar("describing", default=False)


def drawn(function: Mapping[str, Any] | None, qualifier: str | None, chance: Callable[[], float]) -> str | None:
    """Return the alias's additional version if chance selects it. `None` means: the main version, or no alias."""
    alias = (function or {}).get("aliases", {}).get(qualifier)
    weights = ((alias or {}).get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {}
    left = chance()
    for version, weight in weights.items():
        left -= weight
        if left < 0:
            return str(version)
    return None


def add_weights(service: ModuleType) -> None:
    """Make MiniStack's Lambda apply weights. Raises `LookupError` if MiniStack lacks a name that is used here."""
    needed = (*_DESCRIBING, _RESOLVE, _INVOKE, *_HELPERS)
    if missing := [name for name in needed if not hasattr(service, name)]:
        raise LookupError(f"this MiniStack has no {', '.join(missing)}; local/weights.py is for another version")
    resolve, invoke = getattr(service, _RESOLVE), getattr(service, _INVOKE)

    @wraps(resolve)
    def resolve_by_weight(func: Any, qualifier: str | None) -> Any:
        version = None if _describing.get() else drawn(func, qualifier, random.random)
        return resolve(func, version or qualifier)

    @wraps(invoke)
    async def invoke_by_weight(
        name: str, event: Any, headers: Any, path_qualifier: str | None = None, query_params: Any = None
    ) -> Any:
        first = service._qp_first
        qualifier = path_qualifier or first(query_params or {}, "Qualifier") or first(headers, "x-amz-qualifier")
        version = drawn(service._functions.get(name), qualifier, random.random)
        return await invoke(name, event, headers, version or path_qualifier, query_params)

    setattr(service, _RESOLVE, resolve_by_weight)
    setattr(service, _INVOKE, invoke_by_weight)
    for name in _DESCRIBING:
        setattr(service, name, _without_weights(getattr(service, name)))


def _without_weights(describe: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(describe)
    def described(*args: Any, **kwargs: Any) -> Any:
        token = _describing.set(True)
        try:
            return describe(*args, **kwargs)
        finally:
            _describing.reset(token)

    return described
