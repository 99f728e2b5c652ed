"""Tests that `make fuzz` finds a planted bug of each kind, and no bug in the unchanged program."""

from collections.abc import Callable

import pytest

from lab.fuzz.__main__ import main
from lab.fuzz.run import BATCH, EVENTS, KINDS, play_round
from lab.fuzz.watch import Watch
from tests.flow.sabotage.rewrite import Rewrite, rewritten

MOST_ROUNDS = 60
"""A planted bug must be found within this number of rounds, that is 1,200 events or 240 batches."""

BUGS = {
    "an exception that the API does not catch": (
        EVENTS,
        "exception",
        Rewrite("runtime.http.request:_mapping", "value if isinstance(value, dict) else {}", "value or {}"),
    ),
    "a 5xx answer although no call failed": (
        EVENTS,
        "unexpected 5xx",
        Rewrite("runtime.http.body:parse_json", "except UnicodeDecodeError as error", "except KeyError as error"),
    ),
    "an accepted request that the contract does not allow": (
        EVENTS,
        "answer: accepted",
        Rewrite("runtime.http.idempotency_key:parse_key", "_VISIBLE.fullmatch(key)", "_VISIBLE.match(key)"),
    ),
    "another caller's order in an answer": (
        EVENTS,
        "answer: found",
        Rewrite("runtime.handlers.get_order:GetOrder._get", " or order.caller != caller", ""),
    ),
    "an answer that repeats input": (
        EVENTS,
        "input repeated: the answer",
        Rewrite(
            "runtime.http.idempotency_key:parse_key",
            '_refuse("The key has a space',
            '_refuse(key + " has a space',
        ),
    ),
    "a log line of the API that repeats input": (
        EVENTS,
        "input repeated: the log",
        Rewrite(
            "runtime.http.endpoint:answer",
            'logger.info("refused", extra={',
            'logger.info("refused", extra={"path": request.path_parameters, ',
        ),
    ),
    "a log line that is not JSON": (
        EVENTS,
        "log broken",
        Rewrite(
            "runtime.http.idempotency_key:_bare", "    return header", '    print("a bare key")\n    return header'
        ),
    ),
    "an exception that the worker does not catch": (
        BATCH,
        "exception",
        Rewrite("runtime.logic.delivery:_mapping", "value if isinstance(value, Mapping) else {}", "value or {}"),
    ),
    "a dead letter that is never sent": (
        BATCH,
        "record lost",
        Rewrite(
            "runtime.logic.processing:OrderProcessor._dead_letter",
            "    self.dead_letters.send(delivery, **described._asdict())\n",
            "",
        ),
    ),
    "a batch that is not reported as failed although a record has no message id": (
        BATCH,
        "record lost",
        Rewrite("runtime.handlers.powertools.batch:BatchRunner.run", "* unnamed", "* 0"),
    ),
    "a message of a newer version that becomes a dead letter instead of being retried": (
        BATCH,
        "record:",
        Rewrite("runtime.logic.message:_refuse_newer", "version > SCHEMA_VERSION", "version > SCHEMA_VERSION + 1"),
    ),
    "a dead letter whose error repeats input": (
        BATCH,
        "input repeated: a dead letter's error",
        Rewrite("runtime.logic.message:_parse", '"The body is not JSON."', 'f"The body is not JSON: {body}"'),
    ),
    "a log line of the worker that repeats input": (
        BATCH,
        "input repeated: the log",
        Rewrite(
            "runtime.logic.processing:OrderProcessor._attempt",
            'self.logger.debug("attempt started", ',
            'self.logger.debug("attempt started", body=delivery.body, ',
        ),
    ),
    "stock that increases with an order": (
        BATCH,
        "stock",
        Rewrite("runtime.store.settlement:SettlementStore._take", "#available - :quantity", "#available + :quantity"),
    ),
}


def found(kind: str, wanted: Callable[[Watch], bool]) -> bool:
    """Return whether `wanted` is true for one of the first rounds."""
    return any(wanted(play_round(kind, seed)) for seed in range(MOST_ROUNDS))


@pytest.mark.parametrize("name", BUGS)
def test_a_planted_bug_is_found(name: str) -> None:
    # GIVEN a bug
    kind, violation, change = BUGS[name]
    # WHEN the functions receive hostile input
    with rewritten([change]):
        noticed = found(kind, lambda watch: any(text.startswith(violation) for text in watch.violations))
    # THEN it is found
    assert noticed


@pytest.mark.parametrize("kind", KINDS)
def test_the_unchanged_program_violates_nothing(kind: str) -> None:
    # GIVEN rounds of hostile input
    # WHEN the functions receive this input
    violations = [text for seed in range(MOST_ROUNDS // 2) for text in play_round(kind, seed).violations]
    # THEN no check fails
    assert violations == []


def test_the_same_seed_gives_the_same_round() -> None:
    # GIVEN / WHEN
    first, second = (play_round(EVENTS, 7).counted for _ in range(2))
    # THEN
    assert first == second


def test_a_violation_is_printed_with_the_command_that_repeats_it(capsys: pytest.CaptureFixture[str]) -> None:
    # GIVEN a bug
    _, _, change = BUGS["a dead letter that is never sent"]
    # WHEN the fuzzer finds it
    with rewritten([change]):
        status = main(["--events", "0", "--batches", "4", "--workers", "1", "--seed", "3"])
    # THEN
    assert status == 1
    wanted = "Violations in python -m lab.fuzz --batches 4 --events 0 --seed 3:\n  record lost: "
    assert wanted in capsys.readouterr().out
