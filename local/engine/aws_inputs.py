"""Checks a resource's inputs, as the engine sends them, against the input types of the locked AWS SDK.

Mocks accept anything. Here an unknown property, an unknown nested key, a missing required property or a scalar of the
wrong type is a finding. This check does not find values and combinations that only AWS refuses.
"""

import inspect
import keyword
from collections.abc import Awaitable, Iterator, Mapping, Sequence
from importlib import import_module
from types import UnionType
from typing import Any, Union, cast, get_args, get_origin

import pulumi

# Only this private module of the SDK returns an input's wire name and resolved type. The SDK may change the module, but
# the lock pins the SDK's version.
from pulumi._types import input_type_py_to_pulumi_names, input_type_types, is_input_type

_SCALARS: dict[type, tuple[type, ...]] = {bool: (bool,), int: (int,), float: (int, float), str: (str,)}


def findings(token: str, inputs: Mapping[str, Any]) -> list[str]:
    """Return the errors in the inputs of a resource of type `token`.

    The keys of `inputs` are wire names, the values are resolved. `None` stands for an unset input.

    Raises:
        LookupError: the SDK has no resource type `token`.
    """
    return list(_object(_args_class(token), inputs, token))


def inputs_among(token: str, state: Mapping[str, Any]) -> dict[str, Any]:
    """Return those properties of a resource that are inputs; AWS sets the others.

    Raises:
        LookupError: the SDK has no resource type `token`.
    """
    return {name: value for name, value in state.items() if name in input_type_types(_args_class(token))}


def _args_class(token: str) -> type:
    try:
        package, module, name = token.split(":")
        service = module.split("/")[0]
        service += "_" if keyword.iskeyword(service) else ""
        found = getattr(import_module(f"pulumi_{package}.{service}"), f"{name}Args")
    except (ValueError, ImportError, AttributeError) as error:
        message = f"{token!r} is not a resource type of the locked AWS SDK."
        raise LookupError(message) from error
    return cast("type", found)


def _object(declared: type, value: Mapping[str, Any], where: str) -> Iterator[str]:
    types = input_type_types(declared)
    given = {name for name, item in value.items() if item is not None}
    for name in sorted(given - types.keys()):
        yield f"{where}: unknown property {name!r}; allowed: {', '.join(sorted(types))}"
    for name in sorted(_required(declared) - given):
        yield f"{where}: missing required property {name!r}"
    for name in sorted(given & types.keys()):
        yield from _value(types[name], value[name], f"{where}.{name}")


def _required(declared: type) -> set[str]:
    wire_names = input_type_py_to_pulumi_names(declared)
    parameters = inspect.signature(declared).parameters.values()
    return {wire_names.get(p.name, p.name) for p in parameters if p.default is inspect.Parameter.empty}


def _value(declared: Any, value: Any, where: str) -> Iterator[str]:
    origin = get_origin(declared)
    if value is None or declared is Any:
        return
    if origin in (Union, UnionType):
        # A value is valid when any member of the union accepts it. Otherwise the first member's findings are returned.
        # Awaitables and outputs are skipped, because the engine sends resolved values.
        members = [member for member in get_args(declared) if get_origin(member) not in (Awaitable, pulumi.Output)]
        alternatives = [list(_value(member, value, where)) for member in members]
        yield from [] if [] in alternatives else alternatives[0]
    elif isinstance(origin, type) and issubclass(origin, Mapping):
        yield from _mapping(get_args(declared)[1], value, where)
    elif isinstance(origin, type) and issubclass(origin, Sequence):
        yield from _sequence(get_args(declared)[0], value, where)
    elif isinstance(declared, type) and is_input_type(declared):
        if isinstance(value, Mapping):
            yield from _object(declared, value, where)
        else:
            yield f"{where}: {_shown(value)} given, an object needed"
    elif declared in _SCALARS:
        yield from _scalar(declared, value, where)


def _mapping(item: Any, value: Any, where: str) -> Iterator[str]:
    if not isinstance(value, Mapping):
        yield f"{where}: {_shown(value)} given, a map needed"
        return
    for key, member in value.items():
        yield from _value(item, member, f"{where}[{key!r}]")


def _sequence(item: Any, value: Any, where: str) -> Iterator[str]:
    if isinstance(value, str) or not isinstance(value, Sequence):
        yield f"{where}: {_shown(value)} given, a list needed"
        return
    for index, member in enumerate(value):
        yield from _value(item, member, f"{where}[{index}]")


def _scalar(declared: type, value: Any, where: str) -> Iterator[str]:
    # In Python a bool is an int; for a provider it is not.
    wrong_bool = isinstance(value, bool) and declared is not bool
    if wrong_bool or not isinstance(value, _SCALARS[declared]):
        yield f"{where}: {_shown(value)} given, {declared.__name__} needed"


def _shown(value: Any) -> str:
    # Only the type is shown, because a value may be a secret.
    return type(value).__name__
