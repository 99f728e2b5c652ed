"""Strict ordering on recorded resources: everything on the way keeps order, and nothing of it is there without."""

from functools import cache

import pytest

from components.config.messaging_rules import MESSAGING_RULES
from tests.infra.config_factory import only_problem, parsed
from tests.infra.recording import STACKS, Recording, record_stack
from tests.infra.stacks import recorded
from tools.aws_inputs import findings

QUEUE, TOPIC = "aws:sqs/queue:Queue", "aws:sns/topic:Topic"
ON = {"strict_ordering": "true", "batch_size": "1"}
ARN = "arn:aws:sqs:eu-west-1:123456789012:billing"
EMAIL = '["{name: team, protocol: email, endpoint: team@example.com}"]'


@cache
def ordered() -> Recording:
    return record_stack("dev", {f"orders:{key}": value for key, value in ON.items()})


def subscribed(endpoint: str) -> str:
    return f"[\"{{name: billing, protocol: sqs, endpoint: '{endpoint}'}}\"]"


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


# Name of the rule and of the case: keys that break it, keys that just keep it, words of the message.
EDGES: dict[tuple[str, str], tuple[dict[str, str], dict[str, str], str]] = {
    ("one_at_a_time", "batch"): ({**ON, "batch_size": "2"}, ON, "batch_size: 1"),
    ("one_at_a_time", "window"): (
        {**ON, "batch_window_seconds": "1", "queue_visibility_seconds": "400"},
        ON,
        "batch_window_seconds: 0",
    ),
    ("ordered_subscribers", "email"): ({**ON, "subscriptions": EMAIL}, {"subscriptions": EMAIL}, "protocol sqs"),
    ("ordered_subscribers", "standard queue"): (
        {**ON, "subscriptions": subscribed(ARN)},
        {**ON, "subscriptions": subscribed(f"{ARN}.fifo")},
        "FIFO queue (.fifo) with strict_ordering",
    ),
    ("ordered_subscribers", "fifo queue"): (
        {"subscriptions": subscribed(f"{ARN}.fifo")},
        {"subscriptions": subscribed(ARN)},
        "of a standard queue without",
    ),
}


def test_every_rule_on_messaging_has_its_edges_here() -> None:
    # GIVEN / WHEN / THEN
    assert {name for name, _ in EDGES} == {rule.__name__ for rule in MESSAGING_RULES}


@pytest.mark.parametrize("case", EDGES, ids=" ".join)
def test_a_combination_is_refused_with_its_reason_and_keys_and_the_next_one_is_not(case: tuple[str, str]) -> None:
    # GIVEN
    broken, kept, words = EDGES[case]

    # WHEN
    problem = only_problem(**broken)

    # THEN
    assert words in problem.allowed
    assert set(problem.keys) & set(broken)
    assert parsed(**kept).strict_ordering == ("strict_ordering" in kept)
