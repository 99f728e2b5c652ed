"""However a body of at most 64 KiB is made, refusing it costs little.

Work is counted here, not timed: what is parsed, and memory. `lab.benchmarks.refusals` measures the time.
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
    f"The body has more than {MAX_STRUCTURAL} of the characters {{ [ : , (an order has at most {MAX_LINES} lines). "
    "Split the order, or shorten it."
)


@pytest.mark.parametrize("name", refusals.SHAPES)
def test_a_refusal_takes_little_memory(name: str) -> None:
    # GIVEN a body that is made to cost much
    body = refusals.SHAPES[name]
    assert len(body.encode()) <= MAX_BYTES
    # WHEN it is refused, by the API, the worker and the tools
    peaks = [refusals.peak_bytes(work, body) for work in (refusals.request, refusals.message, refusals.dead_letter)]
    # THEN it took little memory
    assert max(peaks) < MOST_BYTES


@pytest.mark.parametrize("part", ["{", "[", ":", ",", "{[:,"])
def test_what_has_more_parts_than_an_order_is_not_parsed(
    untouched_api: Api, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    # GIVEN a body and a message with as many structural characters as are read, and with more
    enough = json.dumps((part * MAX_STRUCTURAL)[:MAX_STRUCTURAL])
    more = enough[:-1] + part + '"'
    # WHEN they are read
    answers = [document(untouched_api.post(raw=raw))["status"] for raw in (enough, more)]
    monkeypatch.setattr("runtime.logic.message.json.loads", None)
    # THEN one is not an order, and the other is too large
    assert answers == [422, 413]
    # AND of a message nothing is parsed
    assert not refusals.message(more)
    with pytest.raises(TypeError):
        refusals.message(enough)


@pytest.mark.parametrize(
    ("name", "detail"),
    [
        ("lines: empty objects", TOO_MANY),
        (
            "lines: empty objects, few enough",
            "The order has 1123 errors, see `errors`. The first 20 of 1123 are listed.",
        ),
        ("lines: good ones, few enough", "The order has 2 errors, see `errors`."),
        ("one name, very often, few enough", "An object in the body names a member twice. Send each name once."),
    ],
)
def test_a_very_long_refusal_reads_like_any_other(untouched_api: Api, name: str, detail: str) -> None:
    # GIVEN a body that is made to cost much
    # WHEN it is sent
    response = untouched_api.post(raw=refusals.SHAPES[name])
    # THEN
    assert document(response)["detail"] == detail


def test_a_message_that_no_order_needs_is_refused_unread() -> None:
    # GIVEN a message as long as SQS takes
    body = '{"lines":[' + "{}," * 340_000 + "{}]}"
    # WHEN it is refused
    peak = refusals.peak_bytes(refusals.message, body)
    # THEN it is not even parsed
    assert peak < len(body) / 10
    assert len(body) > MAX_CHARACTERS


def test_the_longest_order_is_half_of_what_is_read_of_a_message(api: Api) -> None:
    # GIVEN the longest order that is accepted
    lines = [line(sku=f"{number:064}", quantity=1000, unit_price="999999999.9999") for number in range(MAX_LINES)]
    api.post(order(lines=lines, reference="," * 64), headers={"X-Correlation-Id": ":" * 128})
    # WHEN it is sent to the queue
    (message,) = api.messages()
    # THEN there is room
    assert len(message["Body"]) < MAX_CHARACTERS / 2
    # AND room for further fields
    assert structural_characters(message["Body"]) < MAX_STRUCTURAL - 150


def test_a_name_that_nobody_can_read_is_the_one_error_that_is_told(untouched_api: Api) -> None:
    # GIVEN very many unknown names, the first of them unreadable: pydantic looks no further
    body = {**order(), "\ud800": 1, **{f"n{number}": 1 for number in range(200)}}
    # WHEN they are sent
    told = document(untouched_api.post(body))
    # THEN
    assert (told["detail"], len(told["errors"])) == ("The order has 1 error, see `errors`.", 1)
