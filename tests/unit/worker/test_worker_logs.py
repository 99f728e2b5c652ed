"""Tests what the log contains about failures."""

import json
from typing import Any

import pytest

from runtime.observability import logger
from tests.unit.worker.conftest import (
    WorkerAccount,
    refused,
)
from tests.unit.worker.factories import content, order_id, record

SECRET = "s3cr3t"


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(record(content(reference=SECRET, currency=SECRET)), id="permanent"),
        pytest.param(record(content(reference=SECRET)), id="retryable"),
        pytest.param(record(content(reference=SECRET), receives=8), id="last"),
    ],
)
def test_the_log_says_where_an_attempt_failed_and_contains_no_content_of_the_order(
    world: WorkerAccount, sent: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN a dependency whose error text quotes the payload
    written: list[str] = []
    handler = logger.registered_handler
    monkeypatch.setattr(handler, "emit", lambda line: written.append(handler.format(line)))
    world.disturb("transact_write_items", refused("ValidationException", "TransactWriteItems"))
    # WHEN a message is processed
    world.run(sent)
    # THEN each line of the log has the ids of the message and of the order, but no other content of the message
    # AND if the failure is retryable, the log has the type of the error and its stack trace
    text = "\n".join(written)
    assert SECRET not in text
    assert "secret payload" not in text
    assert all(sent["messageId"] in line and order_id(1) in line for line in written)
    if "INVALID_MESSAGE" not in text:
        failed = next(json.loads(line) for line in written if "attempt failed" in line)
        assert "ValidationException" in failed["error_type"]
        assert any("transact_write_items" in frame for frame in failed["trace"])


@pytest.mark.parametrize(
    ("operation", "receives", "message"),
    [("get_item", 2, "idempotency record not read"), ("update_item", 8, "order not marked FAILED")],
)
def test_the_log_has_the_reason_if_a_call_fails_and_the_attempt_goes_on(
    world: WorkerAccount, operation: str, receives: int, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN a table that refuses a call whose failure does not end the attempt
    warnings: list[dict[str, Any]] = []
    monkeypatch.setattr(logger, "warning", lambda text, **fields: warnings.append({"message": text, **fields}))
    world.stock(SKU_1=100)
    world.disturb(operation, refused("ValidationException", "TheCall"))
    # WHEN the message is processed
    world.run(record(content(), receives=receives))
    # THEN the order is settled, and the log has the order and the reason
    assert world.status(1) == "CONFIRMED"
    error = "TheCall was refused: ValidationException"
    assert [each for each in warnings if each["message"] == message] == [
        {"message": message, "order_id": order_id(1), "error": error}
    ]
