"""Tests strict ordering on a separate stack: one caller's orders are settled in the sequence in which they were
accepted, and a failing message in one caller's group delays no other caller."""

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from lab.chaos.orders import token_of
from local.client import LocalStack
from local.demo.account import Account
from local.demo.http import OrdersApi
from tests.e2e.test_jwt import post

pytestmark = [pytest.mark.e2e, pytest.mark.long]

CONFIG = {
    "strict_ordering": "true",
    "batch_size": "1",
    "authorizer": "cognito",
    "token_clients": '["shop", "warehouse"]',
    "token_validity_seconds": "600",
}
FINAL = {"CONFIRMED", "REJECTED"}


def wait_until(condition: Callable[[], object], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"the condition was not met within {seconds} s"
        time.sleep(0.5)


def test_a_failing_message_delays_only_the_caller_of_its_group(
    stack: LocalStack, account: Account, api: OrdersApi, keys: Callable[[], str]
) -> None:
    # GIVEN two callers; a message in the first caller's group fails until it is a dead letter
    shop, warehouse = (token_of(stack, name) for name in ("shop", "warehouse"))
    opening = keys()
    wait_until(lambda: post(api, shop, opening).status == 202, 20)
    first = post(api, shop, opening).order_id
    wait_until(lambda: _row(account, first).get("status") in FINAL)
    caller = str(_row(account, first)["caller"])
    poison: Any = stack.aws.sqs.send_message(
        QueueUrl=stack.outputs["orders_queue_url"],
        MessageBody=json.dumps({"schema_version": 999}),
        MessageGroupId=caller,
        MessageDeduplicationId=keys(),
    )

    # WHEN both callers place more orders
    of_first_caller = [post(api, shop, keys()).order_id for _ in range(3)]
    of_second_caller = [post(api, warehouse, keys()).order_id for _ in range(2)]
    wait_until(lambda: all(_row(account, each).get("status") in FINAL for each in of_second_caller))
    waiting = [_row(account, each)["status"] for each in of_first_caller]
    wait_until(lambda: all(_row(account, each).get("status") in FINAL for each in of_first_caller))

    # THEN the second caller's orders are settled while the first caller's orders wait. The first caller's orders are
    # then settled in the sequence in which they were accepted.
    assert waiting == ["ACCEPTED"] * 3
    settled = [str(_row(account, each)["settled_at"]) for each in of_first_caller]
    assert settled == sorted(settled)
    letters = [each.message for each in account.dead_letters()]
    assert [each["MessageId"] for each in letters] == [poison["MessageId"]]
    events = [each.document["subject"] for each in account.events("everything")]
    assert [each for each in events if each in of_first_caller] == of_first_caller


def _row(account: Account, order_id: str) -> dict[str, Any]:
    return account.orders().get(order_id, {})
