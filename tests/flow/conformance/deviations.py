"""Known errors of the emulators: results that differ from AWS's documentation. Tests check that each still exists."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.flow.conformance.scenario import Scenario


@dataclass(frozen=True, slots=True)
class Deviation:
    """One known error of an emulator. The scenario has AWS's result and the page that documents it.

    Attributes:
        implementation: ``moto`` or ``ministack``. Our own implementation, ``fake``, must not deviate.
        scenario: Name of the scenario.
        observed: What the emulator returns instead of AWS's result.
        why: Description of the error.
    """

    implementation: str
    scenario: str
    observed: Any
    why: str


_MOTO_EXPRESSION = "uses patterns to parse conditions, and raises a Python error where AWS returns an error message"
_STRICT_HANDLES = "refuses an old handle; AWS accepts it, perhaps without effect"
_MALFORMED_REPORT = "reads malformed `batchItemFailures` as success and deletes the message; for AWS the batch failed"
_LENIENT = "accepts what AWS refuses"

DEVIATIONS: tuple[Deviation, ...] = (
    Deviation("moto", "condition: #n > :he", "crash: TypeError", "raises an error; for AWS the condition is false"),
    Deviation("moto", "condition: ATTRIBUTE_EXISTS(id)", "crash: ValueError", _MOTO_EXPRESSION),
    Deviation("ministack", "condition: ATTRIBUTE_EXISTS(id)", "ok", _LENIENT),
    Deviation("moto", "condition: nonsense(id)", "crash: ValueError", _MOTO_EXPRESSION),
    Deviation("ministack", "condition: nonsense(id)", "ConditionalCheckFailedException", _LENIENT),
    Deviation("moto", "condition: #s = ", "crash: ValueError", _MOTO_EXPRESSION),
    Deviation("moto", "condition: ", "ok", _LENIENT),
    Deviation("moto", "condition: #s = :acc)", "crash: ValueError", _MOTO_EXPRESSION),
    Deviation("moto", "condition: #undefined = :acc", "crash: KeyError", _MOTO_EXPRESSION),
    Deviation("moto", "condition: #s = :undefined", "crash: KeyError", _MOTO_EXPRESSION),
    Deviation("ministack", "update: SET fresh = #t + :one", {"fresh": {"S": "hello"}}, "adds a number to a string"),
    Deviation("ministack", "update: SET fresh = :new, fresh = :one", {"fresh": {"N": "1"}}, _LENIENT),
    Deviation("ministack", "update: SET fresh", {}, _LENIENT),
    Deviation("moto", "every_placeholder_must_be_used", ["ValidationException", "ok", "ok"], _LENIENT),
    Deviation(
        "moto", "a_token_makes_a_transaction_idempotent", ("3", "ok"), "ignores ClientRequestToken and writes again"
    ),
    Deviation("moto", "a_moved_message_names_its_source", False, "has no DeadLetterQueueSourceArn"),
    Deviation("ministack", "an_old_handle_is_accepted", "ReceiptHandleIsInvalid", _STRICT_HANDLES),
    Deviation("ministack", "a_message_can_be_deleted_twice", ["ok", "ReceiptHandleIsInvalid"], _STRICT_HANDLES),
    Deviation("moto", "more_than_ten_attributes_are_refused", ("ok", "ok"), _LENIENT),
    Deviation("ministack", "more_than_ten_attributes_are_refused", ("ok", "ok"), _LENIENT),
    Deviation("moto", "bad_sends_are_refused", ("ok", "NonExistentQueue"), _LENIENT),
    Deviation("ministack", "bad_sends_are_refused", ("ok", "NonExistentQueue"), _LENIENT),
    Deviation("moto", "a_standard_queue_refuses_a_deduplication_id", "ok", _LENIENT),
    Deviation("ministack", "a_standard_queue_refuses_a_deduplication_id", "ok", _LENIENT),
    Deviation("moto", "only_bad_batch_entries_fail", "InvalidParameterValue", "fails the whole batch for one entry"),
    Deviation("ministack", "only_bad_batch_entries_fail", (["a", "bad", "b"], [], 3), _LENIENT),
    Deviation(
        "moto",
        "fifo_stores_no_message_with_a_known_deduplication_id",
        ("new id", ["1", "1", "2"]),
        "drops a deduplication id when its message is deleted",
    ),
    Deviation("ministack", "mapping: a null list", "kept", "raises an error, so the message is delivered again"),
    Deviation("ministack", "mapping: an empty identifier", "deleted", _MALFORMED_REPORT),
    Deviation("ministack", "mapping: a null identifier", "deleted", _MALFORMED_REPORT),
    Deviation("ministack", "mapping: a misspelt identifier", "deleted", _MALFORMED_REPORT),
    Deviation("ministack", "mapping: an unknown identifier", "deleted", _MALFORMED_REPORT),
)


def expected_of(scenario: Scenario, implementation: str) -> Any:
    """Return the result that a test expects: the implementation's listed deviation, or AWS's result if it has none."""
    for deviation in DEVIATIONS:
        if (deviation.implementation, deviation.scenario) == (implementation, scenario.name):
            return deviation.observed
    return scenario.expected
