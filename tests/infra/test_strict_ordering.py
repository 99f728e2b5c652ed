"""Strict ordering on recorded resources: everything on the way keeps order, and nothing of it is there without."""

from functools import cache

import pytest

from lab.recording.recording import STACKS, Recording, record_stack
from lab.recording.stacks import recorded
from local.engine.aws_inputs import findings

QUEUE, TOPIC = "aws:sqs/queue:Queue", "aws:sns/topic:Topic"
ON = {"strict_ordering": "true", "batch_size": "1"}


@cache
def ordered() -> Recording:
    return record_stack("dev", {f"orders:{key}": value for key, value in ON.items()})


@pytest.mark.parametrize("stack", STACKS)
def test_without_it_there_is_no_trace_of_it(stack: str) -> None:
    # GIVEN / WHEN
    inputs = repr([each.inputs for each in recorded(stack).resources])

    # THEN
    assert "fifo" not in inputs.lower()


def test_every_queue_is_fifo_with_its_limits_per_group_and_named_so() -> None:
    # GIVEN / WHEN
    queues = [each.inputs for each in ordered().of_type(QUEUE)]

    # THEN
    # The orders, their dead letters, and the subscriber's two: AWS lets a FIFO queue redrive to its like only.
    assert len(queues) == 4
    assert all(each["name"].endswith(".fifo") for each in queues)
    assert {(each["fifoQueue"], each["deduplicationScope"], each["fifoThroughputLimit"]) for each in queues} == {
        (True, "messageGroup", "perMessageGroupId")
    }
    # Equal texts are not the same message: what is sent brings an id of its own.
    assert not [each for each in queues if "contentBasedDeduplication" in each]


def test_the_topic_keeps_order_too() -> None:
    # GIVEN / WHEN
    (topic,) = ordered().of_type(TOPIC)

    # THEN
    assert topic.inputs["fifoTopic"] is True
    assert topic.inputs["name"] == "orders-dev-notifications.fifo"


def test_the_worker_takes_one_order_at_a_time_and_no_window_that_lambda_would_refuse() -> None:
    # GIVEN / WHEN
    (mapping,) = ordered().of_type("aws:lambda/eventSourceMapping:EventSourceMapping")

    # THEN
    assert mapping.inputs["batchSize"] == 1
    assert "maximumBatchingWindowInSeconds" not in mapping.inputs


def test_those_who_send_are_told_and_nobody_else() -> None:
    # GIVEN / WHEN
    functions = ordered().of_type("aws:lambda/function:Function")
    told = {
        each.name for each in functions if each.inputs["environment"]["variables"].get("ORDERS_QUEUE_FIFO") == "true"
    }

    # THEN
    assert told == {"create-order-function", "process-order-function"}


def test_every_input_is_one_the_provider_knows() -> None:
    # GIVEN / WHEN
    wrong = [found for each in ordered().resources if each.custom for found in findings(each.type, each.inputs)]

    # THEN
    assert wrong == []
