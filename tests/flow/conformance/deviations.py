"""Known errors of the emulators: AWS's documentation judges, and the tests see that the error is still there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.flow.conformance.scenario import Scenario


@dataclass(frozen=True, slots=True)
class Deviation:
    """One known error of an emulator. What AWS does, and where it says so, is in the scenario.

    Attributes:
        implementation: ``moto`` or ``ministack``; the fake may not deviate.
        scenario: Name of the scenario.
        observed: What the emulator shows instead.
        why: What is wrong with it, in words.
    """

    implementation: str
    scenario: str
    observed: Any
    why: str


_MOTO_EXPRESSION = "moto reads conditions with patterns and fails in Python on what AWS refuses with a message"
_STRICT_HANDLES = "refuses a handle that is no longer the latest; AWS accepts it and may do nothing"
_MALFORMED_REPORT = "reads a malformed report as success and deletes the message; AWS fails the whole batch"
_LENIENT = "accepts what AWS refuses"

DEVIATIONS: tuple[Deviation, ...] = (
    Deviation("moto", "condition: #n > :he", "crash: TypeError", "a comparison of two types does not hold, says AWS"),
    Deviation("moto", "condition: ATTRIBUTE_EXISTS(id)", "crash: ValueError", _MOTO_EXPRESSION),
    Deviation("ministack", "condition: ATTRIBUTE_EXISTS(id)", "ok", _LENIENT),
    Deviation("moto", "condition: nonsense(id)", "crash: ValueError", _MOTO_EXPRESSION),
    Deviation("ministack", "condition: nonsense(id)", "ConditionalCheckFailedException", _LENIENT),
    Deviation("moto", "condition: #s = ", "crash: ValueError", _MOTO_EXPRESSION),
    Deviation("moto", "condition: ", "ok", _LENIENT),
    Deviation("moto", "condition: #s = :acc)", "crash: ValueError", _MOTO_EXPRESSION),
    Deviation("moto", "condition: #undefined = :acc", "crash: KeyError", _MOTO_EXPRESSION),
    Deviation("moto", "condition: #s = :undefined", "crash: KeyError", _MOTO_EXPRESSION),
    Deviation("ministack", "update: SET fresh = #t + :one", {"fresh": {"S": "hello"}}, "adds a number to a text"),
    Deviation("ministack", "update: SET fresh = :new, fresh = :one", {"fresh": {"N": "1"}}, _LENIENT),
    Deviation("ministack", "update: SET fresh", {}, _LENIENT),
    Deviation("moto", "what_is_given_must_be_used", ["ValidationException", "ok", "ok"], _LENIENT),
    Deviation(
        "moto", "a_token_makes_a_transaction_repeatable", ("3", "ok"), "ignores ClientRequestToken: it does it again"
    ),
    Deviation("moto", "a_moved_message_names_its_source", False, "has no DeadLetterQueueSourceArn"),
    Deviation("ministack", "an_old_handle_is_accepted", "ReceiptHandleIsInvalid", _STRICT_HANDLES),
    Deviation("ministack", "deleting_twice_is_no_error", ["ok", "ReceiptHandleIsInvalid"], _STRICT_HANDLES),
    Deviation("moto", "ten_attributes_and_no_more", ("ok", "ok"), _LENIENT),
    Deviation("ministack", "ten_attributes_and_no_more", ("ok", "ok"), _LENIENT),
    Deviation("moto", "bad_sends_are_refused", ("ok", "NonExistentQueue"), _LENIENT),
    Deviation("ministack", "bad_sends_are_refused", ("ok", "NonExistentQueue"), _LENIENT),
    Deviation("moto", "a_standard_queue_refuses_a_deduplication_id", "ok", _LENIENT),
    Deviation("ministack", "a_standard_queue_refuses_a_deduplication_id", "ok", _LENIENT),
    Deviation("moto", "batches_fail_by_entry", "InvalidParameterValue", "fails the whole batch for one entry"),
    Deviation("ministack", "batches_fail_by_entry", (["a", "bad", "b"], [], 3), _LENIENT),
    Deviation(
        "moto",
        "fifo_swallows_a_known_deduplication_id",
        ("new id", ["1", "1", "2"]),
        "forgets a deduplication id as soon as its message is deleted",
    ),
    Deviation("ministack", "mapping: a null list", "kept", "fails on it, so that the message comes back"),
    Deviation("ministack", "mapping: an empty identifier", "deleted", _MALFORMED_REPORT),
    Deviation("ministack", "mapping: a null identifier", "deleted", _MALFORMED_REPORT),
    Deviation("ministack", "mapping: a misspelt identifier", "deleted", _MALFORMED_REPORT),
    Deviation("ministack", "mapping: an unknown identifier", "deleted", _MALFORMED_REPORT),
)


def expected_of(scenario: Scenario, implementation: str) -> Any:
    """Return what an implementation shows in a scenario: AWS's behaviour, or its own listed error."""
    for deviation in DEVIATIONS:
        if (deviation.implementation, deviation.scenario) == (implementation, scenario.name):
            return deviation.observed
    return scenario.expected
