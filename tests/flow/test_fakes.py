"""Tests of the fakes: faults, kills, hooks, tokens, time, and the refusal of unmodelled requests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from lab.simulation.fakes import Call, Cloud, Entropy, Process, ProcessKilled, UnsupportedByFakeError, faults
from lab.simulation.fakes.powertools import powertools_clock

KEY = {"id": {"S": "1"}}
ADD_ONE: dict[str, Any] = {
    "TableName": "t",
    "Key": KEY,
    "UpdateExpression": "SET n = if_not_exists(n, :zero) + :one",
    "ExpressionAttributeValues": {":zero": {"N": "0"}, ":one": {"N": "1"}},
}


EVENT: dict[str, Any] = {"EventBusName": "b", "Source": "/s", "DetailType": "t", "Detail": '{"a":1}'}


@pytest.fixture
def cloud() -> Cloud:
    """Return a cloud with the table ``t``. Each item expires at its time ``expiration``."""
    made = Cloud(Entropy(1))
    made.dynamodb.add_table("t", ttl="expiration", id="S")
    return made


def count(cloud: Cloud) -> int:
    """Return the number of times that ``ADD_ONE`` took effect."""
    return int(cloud.dynamodb.tables["t"].items.get(("1",), {}).get("n", {}).get("N", "0"))


def run(cloud: Cloud, process: Process, work: Callable[[], object]) -> type[BaseException] | None:
    """Run ``work`` as ``process``; returns the class of its error, or ``None``."""
    try:
        cloud.wire.run(process, work)
    except (ProcessKilled, ClientError, ReadTimeoutError) as error:
        return type(error)
    return None


@pytest.mark.parametrize(
    ("fault", "effects", "error"),
    [
        (faults.crash_before, 0, ProcessKilled),
        (faults.crash_after, 1, ProcessKilled),
        (faults.answer_lost, 1, ReadTimeoutError),
        (faults.answer_lost_then_retried, 2, None),
        (faults.unreachable, 0, ReadTimeoutError),
    ],
    ids=lambda one: getattr(one, "__name__", str(one)),
)
def test_each_fault_has_the_expected_effect_and_the_caller_gets_the_expected_error(
    cloud: Cloud, fault: Any, effects: int, error: type[BaseException] | None
) -> None:
    # GIVEN a process with a fault planned for its first call
    process = Process(faults={0: fault})
    # WHEN it makes the call
    ended = run(cloud, process, lambda: cloud.dynamodb.update_item(**ADD_ONE))
    # THEN the write took effect the expected number of times, and the caller gets the expected error
    assert (count(cloud), ended) == (effects, error)


def test_a_throttled_table_raises_dynamodbs_error(cloud: Cloud) -> None:
    # GIVEN a throttled table
    process = Process(on_call=lambda _: faults.throttled)
    # WHEN one of its items is updated
    with pytest.raises(cloud.dynamodb.exceptions.ProvisionedThroughputExceededException) as caught:
        cloud.wire.run(process, lambda: cloud.dynamodb.update_item(**ADD_ONE))
    # THEN nothing is written, and the error is a `ClientError`
    assert isinstance(caught.value, ClientError)
    assert count(cloud) == 0


def test_calls_of_a_killed_process_have_no_effect(cloud: Cloud) -> None:
    # GIVEN a process that cleans up in `finally`
    def work() -> None:
        try:
            cloud.dynamodb.update_item(**ADD_ONE)
        finally:
            cloud.dynamodb.update_item(**ADD_ONE)

    # WHEN it is killed at its first call
    ended = run(cloud, Process(faults={0: faults.crash_before}), work)
    # THEN its clean-up has no effect
    assert ended is ProcessKilled
    assert count(cloud) == 0


def test_a_hook_can_run_another_process_between_two_calls_of_a_process(cloud: Cloud) -> None:
    # GIVEN a second process that runs before the first process's second call
    second = Process()

    def before(call: Call) -> None:
        if call.index == 1 and cloud.wire.process is not second:
            cloud.wire.run(second, lambda: seen.append(cloud.dynamodb.update_item(**ADD_ONE, ReturnValues="ALL_NEW")))

    seen: list[Any] = []
    cloud.wire.before = before
    first = Process()
    # WHEN the first process makes two calls
    cloud.wire.run(first, lambda: [cloud.dynamodb.update_item(**ADD_ONE) for _ in range(2)])
    # THEN the second process ran between these calls, and each process lists only its own calls
    assert seen[0]["Attributes"]["n"] == {"N": "2"}
    assert (len(first.calls), len(second.calls), count(cloud)) == (2, 1, 3)


def test_a_retried_transaction_takes_effect_once(cloud: Cloud) -> None:
    # GIVEN a transaction whose answer is lost, so that botocore sends it again with the same token
    process = Process(faults={0: faults.answer_lost_then_retried})
    # WHEN the transaction is written
    cloud.wire.run(process, lambda: cloud.dynamodb.transact_write_items(TransactItems=[{"Update": ADD_ONE}]))
    # THEN it takes effect once, and a new call with the same items takes effect again
    assert count(cloud) == 1
    cloud.dynamodb.transact_write_items(TransactItems=[{"Update": ADD_ONE}])
    assert count(cloud) == 2


def test_a_cancellation_can_mix_reasons(cloud: Cloud) -> None:
    # GIVEN an injected cancellation for the second of three items
    fault = faults.transaction_cancelled(["None", "TransactionConflict"])
    items = [{"Put": {"TableName": "t", "Item": {"id": {"S": str(number)}}}} for number in range(3)]
    # WHEN the transaction is written
    with pytest.raises(cloud.dynamodb.exceptions.TransactionCanceledException) as caught:
        cloud.wire.run(Process(faults={0: fault}), lambda: cloud.dynamodb.transact_write_items(TransactItems=items))
    # THEN each item has its reason, and nothing is stored
    response: Any = caught.value.response
    assert [reason["Code"] for reason in response["CancellationReasons"]] == ["None", "TransactionConflict", "None"]
    assert cloud.dynamodb.tables["t"].items == {}


def test_changing_a_written_or_read_copy_does_not_change_the_stored_item(cloud: Cloud) -> None:
    # GIVEN a stored item; its writer and a reader have changed their own copies of the item
    item: dict[str, Any] = {**KEY, "list": {"L": [{"S": "a"}]}}
    cloud.dynamodb.put_item(TableName="t", Item=item)
    item["list"]["L"].append({"S": "b"})
    cloud.dynamodb.get_item(TableName="t", Key=KEY)["Item"]["list"]["L"].clear()
    # WHEN it is read again
    stored = cloud.dynamodb.get_item(TableName="t", Key=KEY)["Item"]
    # THEN it is unchanged
    assert stored["list"] == {"L": [{"S": "a"}]}


def test_expired_items_can_be_read_until_a_sweep_deletes_them(cloud: Cloud) -> None:
    # GIVEN an item that expires in ten seconds
    expiry = str(int(cloud.clock.time()) + 10)
    cloud.dynamodb.put_item(TableName="t", Item={**KEY, "expiration": {"N": expiry}})
    # WHEN a minute passes
    cloud.clock.advance(60)
    # THEN a read returns the item until a sweep deletes it
    assert "Item" in cloud.dynamodb.get_item(TableName="t", Key=KEY)
    assert cloud.dynamodb.sweep() == 1
    assert "Item" not in cloud.dynamodb.get_item(TableName="t", Key=KEY)


@pytest.mark.parametrize(
    "call",
    [
        lambda cloud: cloud.dynamodb.put_item(TableName="t", Item=KEY, Expected={}),
        lambda cloud: cloud.dynamodb.scan(TableName="t", IndexName="i"),
        lambda cloud: cloud.dynamodb.update_item(TableName="t", Key=KEY, UpdateExpression="ADD n :one"),
        lambda cloud: cloud.dynamodb.update_item(TableName="t", Key=KEY, UpdateExpression="REMOVE a.b"),
        lambda cloud: cloud.dynamodb.update_item(**ADD_ONE, ReturnValues="UPDATED_NEW"),
        lambda cloud: cloud.dynamodb.put_item(TableName="t", Item=KEY, ConditionExpression="begins_with(id, :a)"),
        lambda cloud: cloud.dynamodb.put_item(TableName="t", Item={**KEY, "a": {"SS": ["b"]}}),
        lambda cloud: cloud.sqs.receive_message(QueueUrl="q", ReceiveRequestAttemptId="r"),
        lambda cloud: cloud.sns.publish(PhoneNumber="1", Message="m"),
        lambda cloud: cloud.events.put_events(Entries=[{**EVENT, "Resources": []}]),
        lambda cloud: cloud.events.put_events(Entries=[EVENT, EVENT]),
        lambda cloud: cloud.events.put_events(Entries=[{**EVENT, "EventBusName": "none"}]),
    ],
)
def test_unmodelled_requests_are_refused(cloud: Cloud, call: Callable[[Cloud], object]) -> None:
    # GIVEN a request that the fakes do not model
    # WHEN it is sent
    # THEN the fake refuses it with an error that contains "Extend the fake"
    with pytest.raises(UnsupportedByFakeError, match="Extend the fake"):
        call(cloud)


def test_an_event_reaches_the_rule_of_its_bus_unless_it_is_too_large(cloud: Cloud) -> None:
    # GIVEN a bus
    seen = cloud.events.add_bus("b")
    # WHEN two events are put: one of allowed size, then one that is too large
    answer = cloud.events.put_events(Entries=[EVENT])
    with pytest.raises(ClientError, match="ValidationException"):
        cloud.events.put_events(Entries=[{**EVENT, "Detail": f'{{"a":"{"x" * 256 * 1024}"}}'}])
    # THEN the rule's target receives only the first event
    assert answer["FailedEntryCount"] == 0
    assert [each.body for each in seen.received] == ['{"a":1}']


def test_powertools_uses_the_simulated_clock(cloud: Cloud) -> None:
    # GIVEN an idempotent function; Powertools keeps its records for an hour
    from aws_lambda_powertools.utilities.idempotency import (
        DynamoDBPersistenceLayer,
        IdempotencyConfig,
        idempotent_function,
    )

    runs: list[str] = []
    layer = DynamoDBPersistenceLayer("t", boto3_client=cloud.dynamodb_client)
    config = IdempotencyConfig(expires_after_seconds=3600)

    class Remaining:
        def get_remaining_time_in_millis(self) -> int:
            return 1000

    context: Any = Remaining()
    config.register_lambda_context(context)

    def greet(*, name: str) -> dict[str, str]:
        runs.append(name)
        return {"hello": name}

    once: Any = idempotent_function(greet, data_keyword_argument="name", persistence_store=layer, config=config)

    # WHEN the function is called twice within the hour and once after the hour
    with powertools_clock(cloud.clock):
        for wait in (0, 3599, 2):
            cloud.clock.advance(wait)
            once(name="ann")
    # THEN the function ran twice, although no record was deleted
    assert runs == ["ann", "ann"]
