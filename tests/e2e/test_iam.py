"""Tests that IAM allows each role its own actions and no others. A probe (a function with the role) makes the calls."""

from collections.abc import Iterator, Mapping

import pytest

from lab.permissions.grants import allowed
from lab.permissions.reasons import FUNCTIONS
from local.client import LocalStack
from tests.e2e.probe import Answer, Try, probing

pytestmark = pytest.mark.e2e

KEYS = {"orders": "order_id", "stock": "sku", "api-idempotency-table": "id", "worker-idempotency-table": "id"}
QUEUES = ("orders-queue", "orders-queue-dlq")
NEVER = {"ConditionExpression": "attribute_exists(never_there)"}
"""A condition that no item meets, so that an allowed write has no effect."""


def dynamodb_tries(stack: LocalStack) -> Iterator[tuple[str, str, Try]]:
    for name, key in KEYS.items():
        table = {"TableName": table_name(stack, name)}
        item = {key: {"S": "probe"}}
        yield "dynamodb:GetItem", name, Try("dynamodb", "get_item", {**table, "Key": item})
        yield "dynamodb:PutItem", name, Try("dynamodb", "put_item", {**table, "Item": item, **NEVER})
        yield "dynamodb:DeleteItem", name, Try("dynamodb", "delete_item", {**table, "Key": item, **NEVER})
        yield "dynamodb:UpdateItem", name, Try("dynamodb", "update_item", {**table, "Key": item, **NEVER})
        yield "dynamodb:Scan", name, Try("dynamodb", "scan", table)
        yield "dynamodb:DeleteTable", name, Try("dynamodb", "delete_table", table)


def sqs_tries(stack: LocalStack) -> Iterator[tuple[str, str, Try]]:
    for name in QUEUES:
        queue = {"QueueUrl": queue_url(stack, name)}
        handle = {**queue, "ReceiptHandle": "none"}
        # The message is empty: even if the role may send, SQS refuses the message.
        yield "sqs:SendMessage", name, Try("sqs", "send_message", {**queue, "MessageBody": ""})
        yield "sqs:ReceiveMessage", name, Try("sqs", "receive_message", {**queue, "VisibilityTimeout": 0})
        yield "sqs:DeleteMessage", name, Try("sqs", "delete_message", handle)
        yield (
            "sqs:ChangeMessageVisibility",
            name,
            Try("sqs", "change_message_visibility", {**handle, "VisibilityTimeout": 0}),
        )
        yield "sqs:GetQueueAttributes", name, Try("sqs", "get_queue_attributes", queue)
        yield "sqs:PurgeQueue", name, Try("sqs", "purge_queue", queue)


def sns_tries(stack: LocalStack) -> Iterator[tuple[str, str, Try]]:
    topic = {"TopicArn": stack.outputs["notifications_topic_arn"]}
    # The message exceeds 256 KiB: even if the role may publish, SNS refuses the message.
    yield "sns:Publish", "notifications", Try("sns", "publish", {**topic, "Message": "x" * 262_145})
    yield "sns:DeleteTopic", "notifications", Try("sns", "delete_topic", topic)


def every_try(stack: LocalStack) -> dict[tuple[str, str], Try]:
    """Return a call for each action on each table, queue and topic, including actions that no role may do."""
    found = (*dynamodb_tries(stack), *sqs_tries(stack), *sns_tries(stack))
    return {(action, resource): each for action, resource, each in found}


def table_name(stack: LocalStack, name: str) -> str:
    return physical_id(stack, "aws:dynamodb/table:Table", name)


def queue_url(stack: LocalStack, name: str) -> str:
    return physical_id(stack, "aws:sqs/queue:Queue", name)


def physical_id(stack: LocalStack, token: str, name: str) -> str:
    (found,) = [each["id"] for each in stack.resources if (each["type"], each["name"]) == (token, name)]
    return str(found)


@pytest.fixture(scope="module", params=FUNCTIONS)
def role(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def answers(stack: LocalStack, role: str) -> Mapping[tuple[str, str], Answer]:
    tries = every_try(stack)
    with probing(stack, role) as probe:
        return dict(zip(tries, probe.answers(list(tries.values())), strict=True))


def may(role: str) -> set[tuple[str, str]]:
    """Return the actions that the role's policy allows on tables, queues and topics, each with its resource."""
    tried = {*KEYS, *QUEUES, "notifications"}
    return {(each.action, each.resource) for each in allowed("local") if each.role == role and each.resource in tried}


def test_a_role_is_refused_all_other_actions(role: str, answers: Mapping[tuple[str, str], Answer]) -> None:
    # GIVEN the actions that this role may not do. Other roles may do some of them, and no role may do the rest.
    foreign = set(answers) - may(role)

    # WHEN
    not_refused = sorted((what, answers[what]) for what in foreign if not answers[what].refused)

    # THEN
    assert len(foreign) > 20
    assert not_refused == []


def test_a_role_is_allowed_its_own_actions(role: str, answers: Mapping[tuple[str, str], Answer]) -> None:
    # GIVEN / WHEN
    refused = sorted((what, answers[what]) for what in may(role) if answers[what].refused)

    # THEN
    assert may(role) <= set(answers), "a permission that no probe tries: add a call for it"
    assert refused == []


def test_a_transaction_is_refused_if_one_of_its_writes_is_not_allowed(stack: LocalStack) -> None:
    # GIVEN the worker's role, which may update items of the stock table but not put them
    stock = {"TableName": table_name(stack, "stock")}
    update = {
        "Update": {
            **stock,
            **NEVER,
            "Key": {"sku": {"S": "probe"}},
            "UpdateExpression": "SET a = :a",
            "ExpressionAttributeValues": {":a": {"N": "1"}},
        }
    }
    put = {"Put": {**stock, **NEVER, "Item": {"sku": {"S": "other"}}}}

    # WHEN
    with probing(stack, "process-order") as probe:
        own, foreign = probe.answers(
            [Try("dynamodb", "transact_write_items", {"TransactItems": items}) for items in ([update], [update, put])]
        )

    # THEN
    assert own.code == "TransactionCanceledException"
    assert foreign.refused


def test_the_probe_does_not_have_the_permissions_of_root(stack: LocalStack) -> None:
    # GIVEN a call that no role may make
    call = Try("dynamodb", "list_tables", {})

    # WHEN
    with probing(stack, "get-order") as probe:
        (answer,) = probe.answers([call])

    # THEN
    assert answer.refused
    assert stack.aws.dynamodb.list_tables()["TableNames"], "the tests' own keys must be allowed everything"
