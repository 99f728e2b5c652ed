"""Tests that docs/openapi.json describes what the code does."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from lab.docs import openapi
from runtime.http.problems import CATALOGUE
from tests.unit.api.conftest import Api
from tests.unit.api.factories import document, order

POST = ("/orders", "post")
GET = ("/orders/{order_id}", "get")


def operation(which: tuple[str, str]) -> dict[str, Any]:
    """Return one operation of the document."""
    path, method = which
    found: dict[str, Any] = json.loads(openapi.PATH.read_text(encoding="utf-8"))["paths"][path][method]
    return found


def references(node: Any) -> Iterator[str]:
    """Yield every `$ref` below `node`."""
    if isinstance(node, dict):
        if "$ref" in node:
            yield node["$ref"]
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


# The syntax that Python's `re`, JavaScript without flags and Rust's `regex` interpret alike. One difference remains:
# Python's `$` also matches before a final line end. Examples of syntax that is not allowed, each with the reason:
# - `\d`: in JavaScript, it matches only ASCII digits;
# - `\p{C}`: in Python, it is an error;
# - `.`: in Python and Rust, it matches `\r`, but in JavaScript it does not;
# - look-around: Rust has none;
# - negated classes without `*` or `+`: JavaScript counts an emoji as two characters, so `[^a]` matches only half of it.
_CHARACTER = r"(?:[A-Za-z0-9_:/=+ -]|\\[.]|\\u[0-9a-f]{4})"
_IN_CLASS = r"(?:[A-Za-z0-9._:/=+-]|\\u[0-9a-f]{4})+"
_COUNT = r"(?:[*+?]|\{[0-9]+(?:,[0-9]*)?\})?"
_PIECE = rf"(?:{_CHARACTER}{_COUNT}|\[{_IN_CLASS}\]{_COUNT}|\[\^{_IN_CLASS}\][*+])"
PORTABLE = re.compile(rf"\^(?:{_PIECE}|\({_PIECE}+(?:\|{_PIECE}+)*\){_COUNT})+\$")


def patterns(node: Any) -> Iterator[str]:
    """Yield every `pattern` below `node`."""
    if isinstance(node, dict):
        yield from (value for name, value in node.items() if name == "pattern" and isinstance(value, str))
        node = list(node.values())
    if isinstance(node, list):
        for value in node:
            yield from patterns(value)


def test_every_published_pattern_uses_only_the_portable_syntax() -> None:
    # GIVEN
    published = set(patterns(openapi.build()))

    # WHEN
    compiled = [re.compile(pattern) for pattern in published]

    # THEN
    assert len(compiled) > 5
    assert [pattern for pattern in published if not PORTABLE.fullmatch(pattern)] == []


@pytest.mark.parametrize(
    "pattern",
    [
        r"^[^\p{C}]{1,64}$",
        r"^\d+$",
        r"^[\w]$",
        "^a.b$",
        r"^a\Z",
        "^(?i:a)$",
        "^[^a]{2}$",
        "^[^a]$",
        "^[^a]?$",
        "a$",
        "^a(?!b)$",
        "^(a$",
    ],
)
def test_a_pattern_outside_the_portable_syntax_is_found(pattern: str) -> None:
    # GIVEN / WHEN / THEN
    assert not PORTABLE.fullmatch(pattern)


@pytest.mark.parametrize("reference", ["pickup", "№ 7 ✓", "é" * 64, "😀" * 64])
def test_a_printable_reference_that_matches_the_published_pattern_is_accepted(api: Api, reference: str) -> None:
    # GIVEN
    (schema, _) = openapi.build()["components"]["schemas"]["OrderRequest"]["properties"]["reference"]["anyOf"]

    # WHEN
    response = api.post(order(reference=reference), key=f"key-{reference.encode().hex()[:50]}")

    # THEN
    assert re.search(schema["pattern"], reference)
    assert schema["minLength"] <= len(reference) <= schema["maxLength"]
    assert response["statusCode"] == 202


def test_every_ref_names_an_existing_schema_of_the_document() -> None:
    # GIVEN
    whole = openapi.build()

    # WHEN
    names = {reference.removeprefix("#/components/schemas/") for reference in references(whole)}

    # THEN
    assert names <= set(whole["components"]["schemas"])


@pytest.mark.parametrize(
    ("which", "statuses"),
    [
        (POST, {"202", "400", "401", "403", "409", "413", "415", "422", "429", "500", "503"}),
        (GET, {"200", "401", "403", "404", "429", "500", "503"}),
    ],
)
def test_every_status_of_the_contract_is_documented(which: tuple[str, str], statuses: set[str]) -> None:
    # GIVEN / WHEN
    responses = operation(which)["responses"]

    # THEN
    assert set(responses) == statuses


def test_every_problem_is_documented_at_its_status() -> None:
    # GIVEN
    responses = [operation(POST)["responses"], operation(GET)["responses"]]

    # WHEN
    documented = {
        (example["value"]["type"], int(status))
        for answers in responses
        for status, answer in answers.items()
        for example in answer["content"].get("application/problem+json", {}).get("examples", {}).values()
    }

    # THEN
    assert documented == {(kind.type, kind.status) for kind in CATALOGUE}


@pytest.mark.parametrize(("which", "status"), [(POST, "409"), (POST, "503"), (GET, "200"), (GET, "503")])
def test_the_retry_after_header_is_documented_where_it_is_sent(which: tuple[str, str], status: str) -> None:
    # GIVEN / WHEN
    headers = operation(which)["responses"][status]["headers"]

    # THEN
    assert "Retry-After" in headers


def test_the_lifetime_of_a_key_is_documented() -> None:
    # GIVEN / WHEN
    whole = openapi.build()

    # THEN
    assert "24 hours" in whole["info"]["description"]
    assert "24 hours" in whole["paths"]["/orders"]["post"]["parameters"][0]["description"]


def test_real_answers_have_the_documented_fields_and_headers(api: Api) -> None:
    # GIVEN
    schemas = openapi.build()["components"]["schemas"]
    accepted = operation(POST)["responses"]["202"]

    # WHEN
    first, replay = api.post(order(reference="r")), api.post(order(reference="r"))
    seen = document(api.get(document(first)["order_id"]))

    # THEN
    assert set(document(first)) == set(schemas["AcceptedOrder"]["required"])
    assert set(seen) <= set(schemas["OrderView"]["properties"])
    assert set(replay["headers"]) - {"Content-Type", "Cache-Control"} == set(accepted["headers"])
    for name, value in document(first).items():
        assert re.search(schemas["AcceptedOrder"]["properties"][name].get("pattern", ""), value)


def test_the_documented_example_request_gets_the_documented_example_answer(api: Api) -> None:
    # GIVEN
    body = operation(POST)["requestBody"]["content"]["application/json"]["example"]

    # WHEN
    response = api.post(body)

    # THEN
    example = operation(POST)["responses"]["202"]["content"]["application/json"]["example"]
    assert response["statusCode"] == 202
    assert {**document(response), "order_id": "", "accepted_at": ""} == {**example, "order_id": "", "accepted_at": ""}
