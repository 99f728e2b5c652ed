"""Tests that the refusal of an expensive body or message costs little and has the usual text.

These tests measure memory and whether a body is parsed. `lab.benchmarks.refusals` measures the time.
"""

import json

import pytest

from lab.benchmarks import refusals
from runtime.http.body import MAX_BYTES
from runtime.logic.message import MAX_CHARACTERS
from runtime.models.fields import MAX_LINES, MAX_STRUCTURAL, structural_characters
from tests.unit.api.conftest import Api
from tests.unit.api.factories import document, line, order

MOST_BYTES = 2 * 2**20
TOO_MANY = (
    f"The body has more than {MAX_STRUCTURAL} of the characters `{{`, `[`, `:` and `,` "
    f"(an order has at most {MAX_LINES} lines). Split the order, or shorten it."
)


@pytest.mark.parametrize("name", refusals.SHAPES)
def test_a_refusal_takes_little_memory(name: str) -> None:
    # GIVEN a body that is designed to be expensive
    body = refusals.SHAPES[name]
    assert len(body.encode()) <= MAX_BYTES
    # WHEN it is refused, by the API, the worker and the tools
    peaks = [refusals.peak_bytes(work, body) for work in (refusals.request, refusals.message, refusals.dead_letter)]
    # THEN each refusal needs little memory
    assert max(peaks) < MOST_BYTES


@pytest.mark.parametrize("part", ["{", "[", ":", ",", "{[:,"])
def test_a_text_with_too_many_structural_characters_is_not_parsed(
    untouched_api: Api, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    # GIVEN a text with as many structural characters as are allowed, and a text with more
    enough = json.dumps((part * MAX_STRUCTURAL)[:MAX_STRUCTURAL])
    more = enough[:-1] + part + '"'
    # WHEN they are read as a body and as a message
    answers = [document(untouched_api.post(raw=raw))["status"] for raw in (enough, more)]
    monkeypatch.setattr("runtime.logic.message.json.loads", None)
    # THEN the first body is not an order, and the second is too large
    assert answers == [422, 413]
    # AND the second message is not parsed, but the first is
    assert not refusals.message(more)
    with pytest.raises(TypeError):
        refusals.message(enough)


@pytest.mark.parametrize(
    ("name", "detail"),
    [
        ("lines: empty objects", TOO_MANY),
        (
            "lines: empty objects, parsed",
            "The order has 1123 errors, see `errors`. The first 20 of 1123 are listed.",
        ),
        ("lines: valid ones, parsed", "The order has 2 errors, see `errors`."),
        ("one name, repeated, parsed", "An object in the body names a member twice. Send each name once."),
    ],
)
def test_the_refusal_of_an_expensive_body_has_the_usual_text(untouched_api: Api, name: str, detail: str) -> None:
    # GIVEN a body that is designed to be expensive
    # WHEN it is sent
    response = untouched_api.post(raw=refusals.SHAPES[name])
    # THEN
    assert document(response)["detail"] == detail


def test_a_message_that_is_longer_than_any_order_is_refused_without_parsing() -> None:
    # GIVEN a message that is nearly as long as SQS accepts
    body = '{"lines":[' + "{}," * 340_000 + "{}]}"
    # WHEN it is refused
    peak = refusals.peak_bytes(refusals.message, body)
    # THEN the refusal needs so little memory that the message cannot have been parsed
    assert peak < len(body) / 10
    assert len(body) > MAX_CHARACTERS


def test_the_message_of_the_longest_order_has_less_than_half_of_the_allowed_characters(api: Api) -> None:
    # GIVEN the longest order that is accepted
    lines = [line(sku=f"{number:064}", quantity=1000, unit_price="999999999.9999") for number in range(MAX_LINES)]
    api.post(order(lines=lines, reference="," * 64), headers={"X-Correlation-Id": ":" * 128})
    # WHEN it is sent to the queue
    (message,) = api.messages()
    # THEN its message has less than half of the characters that are allowed
    assert len(message["Body"]) < MAX_CHARACTERS / 2
    # AND it has so few structural characters that further fields can be added
    assert structural_characters(message["Body"]) < MAX_STRUCTURAL - 150


def test_a_field_name_that_is_not_unicode_is_the_only_error(untouched_api: Api) -> None:
    # GIVEN 201 unknown field names. The first is not valid Unicode, and pydantic stops there
    body = {**order(), "\ud800": 1, **{f"n{number}": 1 for number in range(200)}}
    # WHEN they are sent
    answer = document(untouched_api.post(body))
    # THEN
    assert (answer["detail"], len(answer["errors"])) == ("The order has 1 error, see `errors`.", 1)
