"""Tests the descriptions of failures: they are enough to act on, and contain no values of the order."""

import pytest
from botocore.exceptions import ClientError, ParamValidationError, ReadTimeoutError
from pydantic import ValidationError

from runtime.logic.failures import MAX_ERROR_LENGTH, RetryableError, trace_of
from runtime.models.order import OrderMessage
from runtime.store.dependency import describe

SECRET = "s3cr3t"


def invalid() -> ValidationError:
    """Return the error that pydantic raises for an invalid message."""
    with pytest.raises(ValidationError) as caught:
        OrderMessage.model_validate({"order_id": SECRET})
    return caught.value


@pytest.mark.parametrize(
    ("failure", "error_type", "text"),
    [
        (RetryableError("busy"), "RetryableError", "busy"),
        (
            ClientError({"Error": {"Code": "Throttled", "Message": SECRET}}, "Publish"),
            "Throttled",
            "Publish was refused: Throttled",
        ),
        (ClientError({}, "Publish"), "ClientError", "Publish was refused: ClientError"),
        (
            ReadTimeoutError(endpoint_url="https://sns"),
            "ReadTimeoutError",
            'Read timeout on endpoint URL: "https://sns"',
        ),
        (KeyError(SECRET), "KeyError", "unexpected; the worker's log has the traceback"),
        (RetryableError("x" * 5000), "RetryableError", "x" * MAX_ERROR_LENGTH),
    ],
)
def test_each_failure_has_a_type_and_a_safe_text(failure: Exception, error_type: str, text: str) -> None:
    # GIVEN a failure
    # WHEN it is described
    # THEN its type is stable, and its text is short and quotes no values
    assert describe(failure) == (error_type, text)


def test_the_description_of_a_validation_error_does_not_contain_the_input() -> None:
    # GIVEN a model that refused its input
    # WHEN its error is described
    text = describe(invalid()).error
    # THEN the description names the places but not the values
    assert "/order_id: " in text
    assert "/caller: Field required" in text
    assert SECRET not in text


def test_the_description_of_a_refused_parameter_does_not_contain_its_value() -> None:
    # GIVEN an error of botocore that quotes the value of a parameter
    failure = ParamValidationError(report=f"Invalid type for parameter Message, value: {SECRET}")
    # WHEN it is described
    # THEN the description does not contain the value
    assert SECRET not in describe(failure).error


def fail(*, hidden: bool) -> None:
    """Raise an error whose cause is another error. If `hidden`, `from None` hides the cause."""
    try:
        int(SECRET)
    except ValueError as error:
        raise RetryableError(SECRET) from (None if hidden else error)


def raised(*, hidden: bool = False) -> RetryableError:
    """Return the error that `fail` raises."""
    with pytest.raises(RetryableError) as caught:
        fail(hidden=hidden)
    return caught.value


def test_a_trace_has_types_and_lines_of_code_and_begins_with_the_cause() -> None:
    # GIVEN an error with a cause
    # WHEN its trace is taken
    trace = trace_of(raised())
    # THEN it lists the cause first and then the effect, without their texts
    types = [line for line in trace if not line.startswith("  ")]
    assert types == ["ValueError", "RetryableError"]
    assert any("in fail" in line for line in trace)
    assert not any(SECRET in line for line in trace)


def test_a_trace_does_not_show_a_hidden_cause() -> None:
    # GIVEN an error raised "from None"
    # WHEN its trace is taken
    trace = trace_of(raised(hidden=True))
    # THEN the trace has only this error
    assert [line for line in trace if not line.startswith("  ")] == ["RetryableError"]


def test_a_trace_also_has_the_error_that_was_being_handled() -> None:
    # GIVEN an error that was raised while another one was handled
    first, second = ValueError(), KeyError()
    second.__context__ = first
    # WHEN its trace is taken
    # THEN the trace has both
    assert trace_of(second) == ["ValueError", "KeyError"]


def test_a_trace_ends_if_its_causes_form_a_circle() -> None:
    # GIVEN two errors that name each other as their cause
    first, second = ValueError(), KeyError()
    first.__cause__, second.__cause__ = second, first
    # WHEN the trace is taken
    # THEN it has each error once
    assert trace_of(first) == ["KeyError", "ValueError"]
