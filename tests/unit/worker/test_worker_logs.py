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
    # THEN the log has the ids, the kind of failure and the lines of code, and nothing else of the message
    text = "\n".join(written)
    assert SECRET not in text
    assert "secret payload" not in text
    assert all(sent["messageId"] in line and order_id(1) in line for line in written)
    if "INVALID_MESSAGE" not in text:
        failed = next(json.loads(line) for line in written if "attempt failed" in line)
        assert "ValidationException" in failed["error_type"]
        assert any("transact_write_items" in frame for frame in failed["trace"])
