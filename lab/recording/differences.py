"""Finds the resource inputs and stack outputs that differ between two recordings of the program."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from lab.recording.recording import PROJECT, Recorded, Recording

ABSENT: Final = "—"
"""The text for a missing value."""
_STACK: Final = "Stack"


@dataclass(frozen=True, order=True)
class Difference:
    """A difference of one input of one resource, or of one output of the stack.

    Attributes:
        type: The last part of the resource's type, `Queue`.
        name: The resource's logical name.
        path: The path of the input, such as `environment.variables.LOG_LEVEL`. If a value is JSON
            text, the path also names the part inside the JSON. `[]` stands for an item of a list.
            The path is empty for a resource that only one recording has. A resource option is in
            parentheses: `(protect)`.
        before: The value in the first recording, as text, or `ABSENT`. If `path` is empty, the text
            "there" means that the recording has the resource. For several items of a list, the text
            is their number: `2 items`.
        after: The value in the second recording, in the same form.
    """

    type: str
    name: str
    path: str
    before: str
    after: str


def differences(before: Recording, after: Recording) -> list[Difference]:
    """Return the distinct differences, sorted."""
    ours, theirs = _by_urn(before), _by_urn(after)
    found: set[Difference] = set()
    for urn in ours.keys() | theirs.keys():
        mine, other = ours.get(urn), theirs.get(urn)
        some = mine or other
        assert some is not None
        kind = short_type(some)
        if mine is None or other is None:
            known = ("there", ABSENT) if other is None else (ABSENT, "there")
            found.add(Difference(kind, some.name, "", *known))
            continue
        pairs = _changes(_all_of(mine), _all_of(other), "")
        found |= {Difference(kind, some.name, path, text_of(was), text_of(now)) for path, was, now in pairs}
    outputs = _changes(before.outputs, after.outputs, "")
    found |= {Difference(_STACK, PROJECT, path, text_of(was), text_of(now)) for path, was, now in outputs}
    return sorted(found)


def short_type(resource: Recorded) -> str:
    """Return `Queue` for `aws:sqs/queue:Queue`."""
    return resource.type.rpartition(":")[2]


def text_of(value: Any) -> str:
    """Return a value as in a stack file: whole numbers without a decimal point."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)


def _by_urn(recording: Recording) -> dict[str, Recorded]:
    return {each.urn: each for each in recording.resources if each.custom}


def _all_of(resource: Recorded) -> dict[str, Any]:
    # Other tests check `dependsOn`, so it is left out here. Otherwise each new or removed resource
    # would appear again, as a difference of every resource that depends on it.
    return {
        **resource.inputs,
        "(protect)": resource.protect,
        "(secret)": sorted(resource.secrets),
        "(ignoreChanges)": sorted(resource.ignore_changes),
    }


def _changes(before: Any, after: Any, path: str) -> Iterator[tuple[str, Any, Any]]:
    before, after = _read(before), _read(after)
    if before == after:
        return
    if isinstance(before, dict) and isinstance(after, dict):
        for key in sorted(before.keys() | after.keys()):
            inner = f"{path}.{key}" if path else str(key)
            yield from _changes(before.get(key, ABSENT), after.get(key, ABSENT), inner)
        return
    if isinstance(before, list) and isinstance(after, list):
        yield from _changed_items(before, after, path)
        return
    yield path, before, after


def _changed_items(before: Sequence[Any], after: Sequence[Any], path: str) -> Iterator[tuple[str, Any, Any]]:
    gone, new = [each for each in before if each not in after], [each for each in after if each not in before]
    if len(gone) != len(new):
        # With different numbers of items, the old items cannot be matched with the new ones.
        yield f"{path}[]", _items(gone), _items(new)
    elif not gone:
        yield f"{path}[]", "the items", "the same values in another sequence, or repeated more or less often"
    else:
        for was, now in zip(gone, new, strict=True):
            yield from _changes(was, now, f"{path}[]")


def _items(values: Sequence[Any]) -> str:
    """Return the only item, if it is a plain value. Otherwise return the number of items, or `ABSENT` for none."""
    if len(values) == 1 and not isinstance(values[0], (dict, list)):
        return text_of(values[0])
    return f"{len(values)} item{'s' if len(values) > 1 else ''}" if values else ABSENT


def _read(value: Any) -> Any:
    """Return the parsed value of a JSON text; any other value unchanged."""
    if not isinstance(value, str) or value[:1] not in ("{", "["):
        return value
    try:
        return json.loads(value)
    except json.JSONDecodeError:
        return value
