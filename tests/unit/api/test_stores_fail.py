"""Tests the errors of the API's stores when their table fails, and the pauses between their attempts."""

from __future__ import annotations

from typing import Any
from unittest.mock import Mock, patch

import pytest
from aws_lambda_powertools.utilities.idempotency.exceptions import (
    IdempotencyInconsistentStateError,
    IdempotencyPersistenceLayerError,
)
from botocore.exceptions import EndpointConnectionError

from lab.simulation.fakes import Process
from lab.simulation.fakes.errors import client_error
from lab.simulation.fakes.faults import write_conflict
from lab.simulation.requests import order_body
from lab.simulation.world import World, simulated
from runtime.handlers.powertools.idempotency import ApiIdempotency
from runtime.logic.failures import DependencyError
from runtime.store import order_intake
from runtime.store.order_intake import OrderIntake
from tests.unit.worker.factories import message

CONFLICT = client_error("UpdateItem", "TransactionConflictException", "Transaction is ongoing for the item")


def failing_answers(error: Exception) -> ApiIdempotency:
    """Return a store of answers that raises the error whenever it is used."""
    answers = ApiIdempotency(Mock(), "table", 60)
    vars(answers)["_run"] = Mock(side_effect=error)
    return answers


def caused(cause: Exception | None) -> IdempotencyPersistenceLayerError:
    """Return the error of Powertools with this cause."""
    error = IdempotencyPersistenceLayerError("Failed to save in progress record")
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (IdempotencyInconsistentStateError("odd"), "IdempotencyInconsistentStateError"),
        (caused(client_error("PutItem", "ThrottlingException", "slow")), "ThrottlingException"),
        (caused(EndpointConnectionError(endpoint_url="https://dynamodb")), "EndpointConnectionError"),
        (caused(None), "IdempotencyPersistenceLayerError"),
    ],
)
def test_a_failure_of_the_idempotency_table_is_raised_with_its_code(error: Exception, code: str) -> None:
    # GIVEN a table that fails
    answers = failing_answers(error)
    # WHEN an operation is run under a key
    with pytest.raises(DependencyError) as caught:
        answers.once(key="key", payload="payload", operation=str)
    # THEN the error has only the word `idempotency` and the code. It has nothing of the request, so it may be logged
    assert (caught.value.operation, caught.value.code) == ("idempotency", code)
    assert str(caught.value) == f"idempotency failed: {code}"


@pytest.mark.parametrize("chance", [0.0, 1.0])
def test_each_conflict_doubles_the_pause_and_half_of_each_pause_is_random(chance: float) -> None:
    # GIVEN an order that a transaction locks, and the shortest or the longest random pauses
    pauses: list[float] = []
    client: Any = Mock()
    client.update_item.side_effect = CONFLICT
    random = Mock(uniform=lambda low, high: low + chance * (high - low))
    # WHEN the order is stored
    with patch.object(order_intake, "random", random), pytest.raises(DependencyError):
        OrderIntake(client, "orders", pauses.append).upsert_accepted(message())
    # THEN there are six attempts; the first pause takes 10 to 20 ms, and each later one twice as long as the one before
    longest = [0.02, 0.04, 0.08, 0.16, 0.32]
    assert pauses == pytest.approx([seconds * (0.5 + chance / 2) for seconds in longest])
    assert client.update_item.call_count == 6


def test_create_order_pauses_with_the_sleep_function_that_it_was_given() -> None:
    # GIVEN a POST whose first write of the order conflicts with a transaction
    with simulated(World()) as world:
        before = world.cloud.clock.now
        process = Process(faults={2: write_conflict})
        # WHEN it is handled
        exchange = world.post("key", order_body(), process=process)
        # THEN the order is accepted after one short pause
        assert [call.operation for call in process.calls][2:4] == ["UpdateItem", "UpdateItem"]
        assert exchange.accepted
        assert 0.01 <= world.cloud.clock.now - before <= 0.02
