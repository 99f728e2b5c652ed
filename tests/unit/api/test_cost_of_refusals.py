"""However a body of at most 64 KiB is made, refusing it costs little, and says what it would say of the whole.

Work is counted here, not timed: the errors that are made, and memory. `lab.benchmarks.refusals` measures the time.
"""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from lab.benchmarks import refusals
from runtime.http.body import MAX_BYTES
from runtime.logic.excerpt import MAX_ERRORS, Excerpt, excerpt
from runtime.logic.message import MAX_CHARACTERS
from runtime.models.fields import MAX_LINES
from runtime.models.order import OrderRequest
from tests.unit.api.conftest import Api
from tests.unit.api.factories import document, line, order

MOST_BYTES = 16 * 2**20
MOST_ERRORS = 400
"""20 errors are listed; some more are made on the way to the limits."""

wrong_lines = st.sampled_from(
    [line(), {}, 0, line(quantity=0), line(a=1), line(sku=1, **{f"{i}": 1 for i in range(30)})]
)
names = st.sampled_from(["currency", "lines", "a", "n" * 200, *(f"n{number}" for number in range(60))])


def errors_of(whole: object) -> list[Any]:
    """Type and place of each error that the model finds."""
    try:
        OrderRequest.model_validate(whole)
    except ValidationError as error:
        return [(found["type"], found["loc"]) for found in error.errors()]
    return []


@pytest.mark.parametrize("name", refusals.SHAPES)
def test_a_refusal_makes_few_errors_and_takes_little_memory(name: str) -> None:
    # GIVEN a body that is made to cost much
    body = refusals.SHAPES[name]
    assert len(body.encode()) <= MAX_BYTES
    # WHEN it is refused, by the API, the worker and the tools
    peaks = [refusals.peak_bytes(work, body) for work in (refusals.request, refusals.message, refusals.dead_letter)]
    # THEN it took little memory
    assert max(peaks) < MOST_BYTES
    # AND little work, where it is JSON
    try:
        parsed = json.loads(body)
    except (ValueError, RecursionError):
        return
    part = excerpt(parsed, OrderRequest)
    assert len(errors_of(part.document)) <= MOST_ERRORS


@pytest.mark.parametrize(
    ("name", "detail"),
    [
        (
            "lines: empty objects",
            "The order has more than 214 errors, see `errors`. The first 20 of more than 214 are listed.",
        ),
        ("lines: good ones", "The order has 2 errors, see `errors`."),
        ("one name, very often", "An object in the body names a member twice. Send each name once."),
        ("open arrays", "The body is nested too deeply. An order has three levels."),
    ],
)
def test_a_very_long_refusal_reads_like_any_other(untouched_api: Api, name: str, detail: str) -> None:
    # GIVEN a body that is made to cost much
    # WHEN it is sent
    response = untouched_api.post(raw=refusals.SHAPES[name])
    # THEN
    assert document(response)["detail"] == detail


@given(
    members=st.dictionaries(names, st.just(1), max_size=40),
    some=st.lists(wrong_lines, max_size=6),
    times=st.integers(1, 30),
)
def test_the_first_errors_are_those_of_the_whole(members: dict[str, Any], some: list[Any], times: int) -> None:
    # GIVEN a document with lines and members that nobody knows
    whole = {**members, "lines": some * times, "currency": "EUR"}
    # WHEN only a part of it is validated
    part = excerpt(whole, OrderRequest)
    # THEN the errors that are listed are the same, and so is their number as far as it is told
    of_part, of_whole = errors_of(part.document), errors_of(whole)
    assert of_part[: MAX_ERRORS + 1] == of_whole[: MAX_ERRORS + 1] or part.lines_left_out
    assert part.lines_left_out or len(of_part) + part.unknown_left_out == len(of_whole)
    assert bool(of_part) == bool(of_whole)


def test_what_is_no_excerpt_is_the_document_itself() -> None:
    # GIVEN an order
    whole = order(lines=[line(sku=f"S{number}") for number in range(MAX_LINES)])
    # WHEN there is nothing to leave out
    # THEN nothing is left out
    assert excerpt(whole, OrderRequest) == Excerpt(whole)


def test_good_lines_beyond_the_limit_are_not_looked_at(untouched_api: Api) -> None:
    # GIVEN more good lines than an order may have, and then lines that are wrong
    lines = [line(sku=f"S{number}") for number in range(MAX_LINES + 1)] + [0] * 1000
    # WHEN they are sent
    body = document(untouched_api.post(order(lines=lines)))
    # THEN there are too many
    assert [error["pointer"] for error in body["errors"]] == ["/lines"]
    assert body["detail"] == "The order has 1 error, see `errors`."


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
    api.post(order(lines=lines, reference="\\" * 64), headers={"X-Correlation-Id": "c" * 128})
    # WHEN it is sent to the queue
    (message,) = api.messages()
    # THEN there is room
    assert len(message["Body"]) < MAX_CHARACTERS / 2


def test_a_name_that_nobody_can_read_is_the_one_error_that_is_told(untouched_api: Api) -> None:
    # GIVEN very many unknown names, the first of them unreadable: nothing after it is looked at
    body = {**order(), "\ud800": 1, **{f"n{number}": 1 for number in range(3000)}}
    # WHEN they are sent
    told = document(untouched_api.post(body))
    # THEN there are as many errors as are listed
    assert (told["detail"], len(told["errors"])) == ("The order has 1 error, see `errors`.", 1)
