"""Tests the API when its dependencies fail or answer late: it answers 503, and a retry creates no second order."""

import io
import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from tests.unit.api.conftest import Api
from tests.unit.api.factories import context, document, order, post, problem


def error(code: str, operation: str) -> ClientError:
    """Return the error that boto3 raises for this code."""
    return ClientError({"Error": {"Code": code, "Message": "private text"}}, operation)


def failing(client: Any, operation: str, failure: Exception, *, times: int = 1, after: bool = False) -> list[str]:
    """Make the next `times` calls of `client.operation` fail. If `after` is true, each takes effect before it fails.

    Returns a list to which each call is added from now on, whether it fails or not.
    """
    original: Callable[..., Any] = getattr(client, operation)
    calls: list[str] = []

    def call(**request: Any) -> Any:
        calls.append(operation)
        if len(calls) > times:
            return original(**request)
        if after:
            original(**request)
        raise failure

    setattr(client, operation, call)
    return calls


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("operation", ["put_item", "send_message", "update_item"])
@pytest.mark.parametrize(
    "failure", [error("ThrottlingException", "Operation"), ReadTimeoutError(endpoint_url="http://x"), KeyError("bug")]
)
def test_a_request_that_fails_gets_503_and_its_retry_gets_the_same_order_or_409(
    api: Api, operation: str, failure: Exception, after: bool
) -> None:
    # GIVEN
    failing(api.sqs if operation == "send_message" else api.dynamodb, operation, failure, after=after)

    # WHEN
    failed = api.post()

    # THEN
    assert failed["statusCode"] == 503
    assert problem(failed) == "outcome-unknown"
    assert failed["headers"]["Retry-After"] == "2"
    assert document(failed)["detail"] == (
        "The outcome is unknown. Repeat the request (a POST with the same Idempotency-Key and body): that is safe."
    )
    # A PutItem that fails after it took effect leaves a record. The record says that the first attempt still runs.
    if operation == "put_item" and after:
        assert problem(api.post()) == "request-in-progress"
        return
    retry = api.post()
    assert retry["statusCode"] == 202
    assert document(retry)["order_id"] == document(failed)["order_id"]
    assert len(api.orders()) == 1


def test_the_order_is_sent_before_it_is_stored(api: Api) -> None:
    # GIVEN
    failing(api.sqs, "send_message", error("ServiceUnavailable", "SendMessage"))

    # WHEN
    api.post()

    # THEN
    assert api.orders() == []


def test_a_failure_after_the_send_leaves_the_message_in_the_queue(api: Api) -> None:
    # GIVEN
    failing(api.dynamodb, "update_item", error("InternalServerError", "UpdateItem"))

    # WHEN
    failed = api.post()

    # THEN
    (message,) = api.messages()
    assert json.loads(message["Body"])["order_id"] == document(failed)["order_id"]


def test_an_answer_503_is_not_stored(api: Api) -> None:
    # GIVEN
    failing(api.sqs, "send_message", error("ServiceUnavailable", "SendMessage"))

    # WHEN
    api.post()

    # THEN
    assert api.records() == []


def test_a_failure_is_503_even_if_the_record_of_the_request_cannot_be_deleted(api: Api) -> None:
    # GIVEN
    failing(api.sqs, "send_message", error("ServiceUnavailable", "SendMessage"))
    failing(api.dynamodb, "delete_item", error("InternalServerError", "DeleteItem"))

    # WHEN
    failed = api.post()

    # THEN
    assert problem(failed) == "outcome-unknown"
    assert problem(api.post()) == "request-in-progress"


def test_the_api_waits_for_a_transaction_of_the_worker_on_the_same_order(api: Api) -> None:
    # GIVEN
    calls = failing(api.dynamodb, "update_item", error("TransactionConflictException", "UpdateItem"), times=3)

    # WHEN
    response = api.post()

    # THEN
    assert response["statusCode"] == 202
    # Three calls end with a conflict, the fourth stores the order, and the fifth stores the answer.
    assert len(calls) == 5


def test_conflicts_that_do_not_end_are_answered_with_503(api: Api) -> None:
    # GIVEN
    calls = failing(api.dynamodb, "update_item", error("TransactionConflictException", "UpdateItem"), times=99)

    # WHEN
    response = api.post()

    # THEN
    assert response["statusCode"] == 503
    assert len(calls) == 6


def test_a_request_whose_first_attempt_still_runs_is_409(api: Api) -> None:
    # GIVEN
    during: list[Any] = []
    send = api.sqs.send_message

    def send_slowly(**request: Any) -> Any:
        during.extend([api.post(), api.post(order(reference="another"))])
        return send(**request)

    vars(api.sqs)["send_message"] = send_slowly

    # WHEN
    first = api.post()

    # THEN
    assert first["statusCode"] == 202
    assert [problem(response) for response in during] == ["request-in-progress", "idempotency-key-reused"]
    assert during[0]["statusCode"] == 409
    assert during[0]["headers"]["Retry-After"] == "1"
    assert [document(response)["detail"] for response in during] == [
        "Repeat the request, with the same key and body, in a second.",
        "Use a new key for a new order, and the same body for a retry.",
    ]


def test_the_key_of_a_killed_attempt_is_free_after_its_invocations_deadline(api: Api) -> None:
    # GIVEN
    killed = context(remaining=-1)
    failing(api.sqs, "send_message", SystemExit())  # type: ignore[arg-type] # a kill is no `Exception`
    with pytest.raises(SystemExit):
        api.create.handle(post(), killed)

    # WHEN
    retry = api.post()

    # THEN
    assert retry["statusCode"] == 202


def test_neither_answer_nor_log_contains_the_texts_of_requests_or_errors(api: Api, log: io.StringIO) -> None:
    # GIVEN
    failing(api.sqs, "send_message", error("ServiceUnavailable", "SendMessage"))
    failing(api.dynamodb, "update_item", KeyError("private text"))

    # WHEN
    responses = [api.post(order(reference="private text"), key="private-key") for _ in range(2)]

    # THEN
    written = json.dumps(responses) + log.getvalue()
    assert [response["statusCode"] for response in responses] == [503, 503]
    assert "private" not in written
    assert '"code":"ServiceUnavailable"' in written
    assert '"error_type":"KeyError"' in written
    # AND the log of an unexpected error has the file, line and function of each frame, but not the error's text
    (line,) = (json.loads(line) for line in log.getvalue().splitlines() if "unexpected error" in line)
    assert "error" not in line
    assert any("order_intake.py:" in place and "upsert_accepted" in place for place in line["places"])


def test_a_lookup_that_fails_is_503(api: Api) -> None:
    # GIVEN
    order_id = document(api.post())["order_id"]
    failing(api.dynamodb, "get_item", error("InternalServerError", "GetItem"))

    # WHEN
    response = api.get(order_id)

    # THEN
    assert response["statusCode"] == 503
    assert problem(response) == "outcome-unknown"
    assert api.get(order_id)["statusCode"] == 200


def test_a_request_whose_record_keeps_changing_is_answered_with_503(api: Api) -> None:
    # GIVEN
    record = {
        "id": {"S": "create-order#x"},
        "status": {"S": "INPROGRESS"},
        "expiration": {"N": "99999999999"},
        "in_progress_expiration": {"N": "1"},
    }
    api.post()
    (stored,) = api.records()
    conflict = ClientError({"Error": {"Code": "ConditionalCheckFailedException", "Message": ""}}, "PutItem")
    vars(conflict)["response"] = {**conflict.response, "Item": {**record, "validation": stored["validation"]}}
    calls = failing(api.dynamodb, "put_item", conflict, times=99)

    # WHEN
    response = api.post()

    # THEN
    assert problem(response) == "outcome-unknown"
    assert len(calls) == 3
