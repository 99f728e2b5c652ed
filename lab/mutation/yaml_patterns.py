"""Patterns of small mistakes in YAML, for the CloudFormation template and the GitHub workflows."""

import re
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from typing import Any, Final

import yaml

from lab.mutation.edits import Edit

_PROSE: Final = {"Description", "AssertDescription", "name", "cron"}
_OTHERS: Final = {
    "true": "false",
    "false": "true",
    "Allow": "Deny",
    "Deny": "Allow",
    "Retain": "Delete",
    "Enabled": "Disabled",
    "dev": "prod",
    "prod": "dev",
    "read": "write",
    "write": "read",
    "up": "preview",
    "preview": "up",
    "always()": "success()",
}
_Found = tuple[str, str, int, int, str]
"""Place, pattern, start of the replaced span, its end (both in characters), new text."""


def yaml_edits(path: str, source: str) -> list[Edit]:
    """Return all edits that the patterns can make in a document."""
    seen: Counter[tuple[str, str]] = Counter()
    edits = []
    for place, pattern, start, end, text in _of_node(yaml.compose(source, Loader=yaml.SafeLoader), (), source):
        seen[place, pattern] += 1
        begin, after = (len(source[:index].encode()) for index in (start, end))
        edits.append(Edit(path, place, pattern, seen[place, pattern], begin, after, text))
    return edits


def _of_node(node: Any, keys: tuple[str, ...], source: str) -> Iterator[_Found]:
    place = ".".join(keys)
    if isinstance(node, yaml.MappingNode):
        entries = [(key, key.value, value) for key, value in node.value if key.value not in _PROSE]
        spans = [(key.start_mark.index, value.end_mark.index) for key, value in node.value]
        for key, name, value in entries:
            index = [each[0] for each in node.value].index(key)
            inner = (*keys, name)
            yield (".".join(inner), "drop-entry", *_without(spans, index, source, flow=node.flow_style), "")
            if name in {"StringEquals", "StringNotEquals"}:
                yield ".".join(inner), "widen", key.start_mark.index, key.end_mark.index, name.replace("Equals", "Like")
            yield from _of_node(value, inner, source)
    elif isinstance(node, yaml.SequenceNode):
        spans = [(each.start_mark.index, each.end_mark.index) for each in node.value]
        dashed = spans if node.flow_style else [(source.rindex("-", 0, start), end) for start, end in spans]
        for index, each in enumerate(node.value):
            yield (place, "leave-out-item", *_without(dashed, index, source, flow=node.flow_style), "")
            yield from _of_node(each, (*keys, str(index)) if keys[-1] == "steps" else keys, source)
        if keys[-1] == "steps":
            for (start, middle), (begin, end) in pairwise(spans):
                one, two = source[start:middle].rstrip(), source[begin:end].rstrip()
                between = source[start + len(one) : begin]
                yield place, "swap-steps", start, begin + len(two), two + between + one
    else:
        yield from _of_scalar(node, keys, source)


def _without(spans: list[tuple[int, int]], index: int, source: str, *, flow: bool) -> tuple[int, int]:
    """Return the span to delete for an entry. In flow style, `{a, b}`, the span includes a comma. In block style it
    ends before the white space that follows the entry."""
    start, end = spans[index]
    if not flow:
        return start, start + len(source[start:end].rstrip())
    if index + 1 < len(spans):
        return start, spans[index + 1][0]
    return (spans[index - 1][1] if index else start), end


def _of_scalar(node: Any, keys: tuple[str, ...], source: str) -> Iterator[_Found]:
    start, end = node.start_mark.index, node.end_mark.index
    written, place = source[start:end], ".".join(keys)
    if keys[-1] == "run":
        yield from _of_script(place, start, written)
    else:
        for pattern, text in (*_wider(keys[-1], node.value, written), *_others(keys[-1], node.value, written)):
            yield place, pattern, start, end, text


def _wider(key: str, value: str, written: str) -> Iterator[tuple[str, str]]:
    if key == "Resource" and value != "*":
        yield "widen", '"*"'
    if key == "Action" and ":" in value and not value.endswith("*"):
        yield "widen", f'"{value.split(":")[0]}:*"'
    if "${Environment}" in written:
        yield "widen", written.replace("${Environment}", "*")


def _others(key: str, value: str, written: str) -> Iterator[tuple[str, str]]:
    for one, two in (("==", "!="), ("!=", "=="), ("'prod'", "'dev'"), ("'dev'", "'prod'")):
        if one in written:
            yield "compare-otherwise", written.replace(one, two, 1)
    if value in _OTHERS:
        yield "take-the-other", written.replace(value, _OTHERS[value])
    elif value.isdecimal():
        yield "change-number", written.replace(value, str(int(value) + 1))
    elif value and key not in {"uses", "Sid"} and not re.search(r"\s", value.strip("${ }")):
        yield "change-text", written[:-1] + "X" + written[-1]


def _of_script(place: str, start: int, script: str) -> Iterator[_Found]:
    for found in re.finditer(r" --?[a-z][a-z-]*(?: (?:\"[^\"]*\"|[\w./$]+))?", script):
        yield place, "drop-flag", start + found.start(), start + found.end(), ""
    for found in re.finditer(r" (?:\|\||&&) [^\n;]*", script):
        yield place, "drop-condition", start + found.start(), start + found.end(), ""
    if "\n" in script:
        for found in re.finditer(r"(?<=\n)[^\n]*\S[^\n]*\n", script):
            yield place, "leave-out-step", start + found.start(), start + found.end(), ""
