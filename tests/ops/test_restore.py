"""Tables restored to an earlier time, while the queue and the idempotency records are newer.

docs/delivery.md describes the procedure under "Restore a table".
"""

from __future__ import annotations

import argparse
import copy
from collections.abc import Iterator
from types import SimpleNamespace
from typing import cast

import pytest

from lab.simulation import invariants
from lab.simulation.requests import order_body
from lab.simulation.world import API_RECORDS, ORDERS, STOCK, WORKER_RECORDS, World, simulated
from ops.cli.context import Context
from ops.cli.orders import run_resend
from ops.errors import ExitCode
from ops.gateway.clients import Clients
from ops.target import Target
from runtime.models.order import OrderStatus, StoredOrder
from tests.ops.factories import accept, orders_of
from tests.ops.test_target import outputs

RESTORED = (ORDERS, STOCK)


@pytest.fixture
def world() -> Iterator[World]:
    with simulated(World(seed=7)) as made:
        made.stock_up("SKU-1", 100)
        yield made


class Disaster:
    """Three orders around the time to which the tables are restored.

    Attributes:
        before: An order that was settled before this time.
        across: An order that was accepted before this time and settled after it.
        after: An order that was accepted after this time.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self.before = accept(world, "before")
        world.drain()
        self.across = accept(world, "across")
        self._moment = {name: copy.deepcopy(world.cloud.dynamodb.tables[name].items) for name in RESTORED}
        world.drain()
        self.after = accept(world, "after")
        world.drain()
        assert world.available("SKU-1") == 94

    def restore(self, *tables: str) -> None:
        """Restore these tables, while the worker is paused."""
        for name in tables:
            self.world.cloud.dynamodb.tables[name].items = copy.deepcopy(self._moment[name])

    def forget(self, table: str) -> None:
        """Delete all idempotency records of a table."""
        self.world.cloud.dynamodb.tables[table].items.clear()

    def resend_open(self) -> None:
        """Run `python -m ops orders resend --older-than 1s --yes`, and resume the worker."""
        cloud = self.world.cloud
        cloud.clock.advance(2)
        parts = outputs(
            orders_table=ORDERS,
            worker_idempotency_table=WORKER_RECORDS,
            orders_queue_url=self.world.orders_queue.url,
            dead_letter_queue_url=self.world.dead_letters.url,
        )
        clients = SimpleNamespace(dynamodb=cloud.dynamodb_client, sqs=cloud.sqs_client, check_queues=lambda: None)
        context = Context(
            Target.from_outputs("world", parts), cast("Clients", clients), as_json=True, clock=cloud.clock
        )
        assert run_resend(argparse.Namespace(ids=[], older_than="1s", yes=True), context) == ExitCode.OK
        self.world.drain()

    def status(self, order_id: str) -> str | None:
        order = orders_of(self.world).get(order_id)
        return order.status if isinstance(order, StoredOrder) else None


def test_an_order_stays_open_if_the_workers_records_are_kept(world: World) -> None:
    # GIVEN both tables restored, and the worker's newer records
    disaster = Disaster(world)
    disaster.restore(*RESTORED)
    # WHEN the open orders are sent again
    disaster.resend_open()
    # THEN the worker skips the order that was settled after the time of the restored tables: the worker's record says
    # that this order is finished. This is why the records must be deleted
    assert disaster.status(disaster.across) == OrderStatus.ACCEPTED
    assert world.available("SKU-1") == 98


def test_each_restored_order_is_settled_once_if_the_workers_records_are_deleted(world: World) -> None:
    # GIVEN both tables restored, and the worker's records deleted
    disaster = Disaster(world)
    disaster.restore(*RESTORED)
    disaster.forget(WORKER_RECORDS)
    # WHEN the open orders are sent again
    disaster.resend_open()
    # THEN each order in the restored table has taken its stock once
    assert disaster.status(disaster.before) == disaster.status(disaster.across) == OrderStatus.CONFIRMED
    assert world.available("SKU-1") == 96
    assert invariants.one_effect(world) == []
    # THEN the order that was accepted after the restored time is gone, though its caller was answered 202
    assert disaster.status(disaster.after) is None


def test_a_lost_order_can_be_posted_again_after_the_apis_records_are_deleted(world: World) -> None:
    # GIVEN both tables restored, and the worker's records deleted. The order accepted after the restored time is lost
    disaster = Disaster(world)
    disaster.restore(*RESTORED)
    disaster.forget(WORKER_RECORDS)
    disaster.resend_open()
    first = world.exchanges[-1].response
    world.cloud.clock.advance(60)
    # WHEN the caller repeats the request, before and after the API's records are deleted
    replayed = world.post("after", order_body(), caller="ann").response
    world.drain()
    between = disaster.status(disaster.after)
    disaster.forget(API_RECORDS)
    second = world.post("after", order_body(), caller="ann").response
    world.drain()
    # THEN the first repetition changes nothing, and the second creates the order again: same id, new acceptance time
    assert first is not None
    assert replayed is not None
    assert second is not None
    assert (replayed["body"], between) == (first["body"], None)
    assert second["headers"]["Location"] == first["headers"]["Location"]
    assert second["body"] != first["body"]
    assert disaster.status(disaster.after) == OrderStatus.CONFIRMED
    assert world.available("SKU-1") == 94


def test_the_worker_creates_a_lost_row_again_from_its_waiting_message(world: World) -> None:
    # GIVEN an order without a row, because the restore removed it. The order's message still waits in the queue
    disaster = Disaster(world)
    waiting = accept(world, "waiting")
    disaster.restore(*RESTORED)
    disaster.forget(WORKER_RECORDS)
    # WHEN the worker resumes
    disaster.resend_open()
    # THEN the worker creates the row again from the message
    assert disaster.status(waiting) == OrderStatus.CONFIRMED
    assert world.available("SKU-1") == 94


@pytest.mark.parametrize(("tables", "left"), [((ORDERS,), 92), ((STOCK,), 98)])
def test_restoring_only_one_of_the_two_tables_violates_guarantee_g2(
    world: World, tables: tuple[str, ...], left: int
) -> None:
    # GIVEN one table that was restored without the other
    disaster = Disaster(world)
    disaster.restore(*tables)
    disaster.forget(WORKER_RECORDS)
    # WHEN the open orders are sent again
    disaster.resend_open()
    # THEN if only the orders were restored, one order has taken its stock twice. If only the stock
    # was restored, two orders have taken no stock
    assert world.available("SKU-1") == left
    assert invariants.one_effect(world) != []
