"""Tables restored to a moment, while the queue and the idempotency records are newer: docs/delivery.md, Restore."""

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
    """Three orders about the moment of which the tables are restored.

    Attributes:
        before, across, after: Orders that were done before it; accepted before and done after it; all after it.
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
        """Bring these tables back to the moment; the worker is paused."""
        for name in tables:
            self.world.cloud.dynamodb.tables[name].items = copy.deepcopy(self._moment[name])

    def forget(self, table: str) -> None:
        """Make a table of records anew."""
        self.world.cloud.dynamodb.tables[table].items.clear()

    def resend_open(self) -> None:
        """`python -m ops orders resend --older-than 1s --yes`, and the worker resumes."""
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


def test_with_the_workers_records_kept_an_order_between_is_never_done_again(world: World) -> None:
    # GIVEN both tables restored
    disaster = Disaster(world)
    disaster.restore(*RESTORED)
    # WHEN what is open is sent again
    disaster.resend_open()
    # THEN the worker takes it for done: this is why its records have to go
    assert disaster.status(disaster.across) == OrderStatus.ACCEPTED
    assert world.available("SKU-1") == 98


def test_without_them_what_was_accepted_is_done_once_and_settled_orders_stay(world: World) -> None:
    # GIVEN both tables restored, and the worker's records made anew
    disaster = Disaster(world)
    disaster.restore(*RESTORED)
    disaster.forget(WORKER_RECORDS)
    # WHEN what is open is sent again
    disaster.resend_open()
    # THEN each order that is in the table moved stock once, as the table says now
    assert disaster.status(disaster.before) == disaster.status(disaster.across) == OrderStatus.CONFIRMED
    assert world.available("SKU-1") == 96
    assert invariants.one_effect(world) == []
    # THEN an order that came later is gone, though its caller was told 202
    assert disaster.status(disaster.after) is None


def test_its_caller_gets_the_old_answer_until_the_apis_records_go_and_then_the_same_order_anew(world: World) -> None:
    # GIVEN the same
    disaster = Disaster(world)
    disaster.restore(*RESTORED)
    disaster.forget(WORKER_RECORDS)
    disaster.resend_open()
    first = world.exchanges[-1].response
    world.cloud.clock.advance(60)
    # WHEN its caller repeats, before and after the API's records are made anew
    replayed = world.post("after", order_body(), caller="ann").response
    world.drain()
    between = disaster.status(disaster.after)
    disaster.forget(API_RECORDS)
    anew = world.post("after", order_body(), caller="ann").response
    world.drain()
    # THEN the first repetition changes nothing, the second makes the order of that id, with another time in its answer
    assert first is not None
    assert replayed is not None
    assert anew is not None
    assert (replayed["body"], between) == (first["body"], None)
    assert anew["headers"]["Location"] == first["headers"]["Location"]
    assert anew["body"] != first["body"]
    assert disaster.status(disaster.after) == OrderStatus.CONFIRMED
    assert world.available("SKU-1") == 94


def test_a_message_that_waits_meanwhile_needs_nothing(world: World) -> None:
    # GIVEN an order that was accepted after the moment and whose message waits
    disaster = Disaster(world)
    waiting = accept(world, "waiting")
    disaster.restore(*RESTORED)
    disaster.forget(WORKER_RECORDS)
    # WHEN the worker resumes
    disaster.resend_open()
    # THEN its row is made again from the message
    assert disaster.status(waiting) == OrderStatus.CONFIRMED
    assert world.available("SKU-1") == 94


@pytest.mark.parametrize(("tables", "left"), [((ORDERS,), 92), ((STOCK,), 98)])
def test_one_of_the_two_tables_alone_breaks_one_effect(world: World, tables: tuple[str, ...], left: int) -> None:
    # GIVEN one table that is restored without the other
    disaster = Disaster(world)
    disaster.restore(*tables)
    disaster.forget(WORKER_RECORDS)
    # WHEN what is open is sent again
    disaster.resend_open()
    # THEN stock moved twice for an order, or not at all
    assert world.available("SKU-1") == left
    assert invariants.one_effect(world) != []
