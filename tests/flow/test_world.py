"""Tests the simulated world: its wiring, the faults of its calls, and the checks of its invariants."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from lab.simulation import invariants
from lab.simulation.fakes import FAULTS, Call, FaultKind, Process
from lab.simulation.fakes.faults import crash_after
from lab.simulation.requests import order_body
from lab.simulation.world import STOCK, WORKER_RECORDS, Deployment, World, simulated


@pytest.fixture
def world() -> Iterator[World]:
    """Yield a world with a stock of 100 units of ``SKU-1``."""
    with simulated(World(seed=7)) as made:
        made.stock_up("SKU-1", 100)
        yield made


def accepted_id(world: World, key: str = "k", caller: str | None = "ann") -> str:
    """POST an order and return its id."""
    response = world.post(key, order_body(), caller=caller).response
    assert response is not None
    assert response["statusCode"] == 202
    return str(response["headers"]["Location"]).rpartition("/")[2]


def test_an_order_is_accepted_confirmed_and_published(world: World) -> None:
    # GIVEN an accepted order
    order_id = accepted_id(world)
    # WHEN the queue is drained
    batches = world.drain()
    # THEN it is confirmed and published, its stock is taken, and every guarantee holds
    assert batches == 1
    assert world.orders[order_id]["status"] == {"S": "CONFIRMED"}
    assert world.available("SKU-1") == 98
    assert len(world.subscriber.received) == 1
    assert invariants.violations(world) == []


def test_callers_see_their_own_orders_only(world: World) -> None:
    # GIVEN two callers with the same key and body
    ids = [accepted_id(world, caller=caller) for caller in ("ann", "bob")]
    # WHEN each looks up both orders
    statuses = [world.get(order_id, caller=caller)["statusCode"] for order_id in ids for caller in ("ann", "bob")]
    # THEN each caller can read only its own order
    assert statuses == [200, 404, 404, 200]


def test_the_same_seed_gives_the_same_history() -> None:
    # GIVEN one seed
    def history() -> list[str]:
        with simulated(World(seed=3)) as world:
            world.stock_up("SKU-1", 1)
            accepted_id(world)
            world.drain()
            return [notification.body for notification in world.subscriber.received]

    # WHEN the same steps run twice with this seed
    first, second = history(), history()
    # THEN both runs publish the same bytes
    assert first == second != []


def test_an_order_whose_worker_was_killed_is_finished_at_the_next_delivery(world: World) -> None:
    # GIVEN a worker that is killed right after its transaction
    accepted_id(world)
    transaction = Process(on_call=lambda call: crash_after if call.operation == "TransactWriteItems" else None)
    kept = world.deliver(transaction)
    # WHEN the message is delivered again
    world.drain()
    # THEN stock is taken once and one event is published
    assert kept
    assert world.available("SKU-1") == 98
    assert len(world.subscriber.received) == 1
    assert invariants.violations(world) == []


def test_a_message_that_always_fails_is_received_max_receive_count_times(world: World) -> None:
    # GIVEN a message that was received `max_receive_count` times, while every call of DynamoDB and SNS was throttled
    order_id = accepted_id(world)
    down = FAULTS[[kind.name for kind in FAULTS].index("throttled")].fault
    for _ in range(world.deployment.max_receive_count):
        world.deliver(Process(on_call=lambda call: down if call.service in {"sns", "dynamodb"} else None))
        world.cloud.clock.advance_to(world.orders_queue.next_visible_at() or 0)
    # WHEN the queue is polled once more
    delivered = world.deliver()
    # THEN it is in the dead-letter queue, and a redrive completes its order
    assert delivered is None
    assert world.orders_queue.moves[0][1] == 8
    assert invariants.violations(world) == []
    world.redrive(next(iter(world.dead_letters.messages.values())))
    world.drain()
    assert world.orders[order_id]["status"] == {"S": "CONFIRMED"}
    assert invariants.violations(world) == []


def calls_of(run: Callable[[World, Process], object]) -> list[Call]:
    """Return the calls of a run without faults."""
    with simulated(World(seed=1)) as world:
        world.stock_up("SKU-1", 100)
        process = Process()
        run(world, process)
        return process.calls


def post_once(world: World, process: Process) -> object:
    """Accept one order through the API."""
    return world.post("k", order_body(), caller="ann", process=process)


def process_once(world: World, process: Process) -> object:
    """Process one order through the worker."""
    accepted_id(world)
    return world.deliver(process)


CASES = [
    (run, call, kind)
    for run in (post_once, process_once)
    for call in calls_of(run)
    for kind in FAULTS
    if kind.fits(call)
]


@pytest.mark.parametrize(
    ("run", "call", "kind"), CASES, ids=lambda one: getattr(one, "operation", None) or getattr(one, "name", None)
)
def test_a_fault_at_any_call_of_a_first_run_violates_no_guarantee(
    run: Callable[[World, Process], object], call: Call, kind: FaultKind, world: World
) -> None:
    # GIVEN a run with one fault at one call; every guarantee holds even before a retry
    run(world, Process(faults={call.index: kind.fault}))
    assert invariants.violations(world) == []
    # WHEN the caller retries until its order is accepted, and the queue delivers until it is empty
    while not any(exchange.accepted for exchange in world.exchanges[-1:]):
        world.cloud.clock.advance(15)
        world.post("k", order_body(), caller="ann")
    world.drain()
    # THEN every guarantee holds, and the order is confirmed
    assert invariants.violations(world) == []
    assert world.available("SKU-1") == 98


@pytest.mark.parametrize("index", [call.index for call in calls_of(post_once)])
def test_the_worker_may_overtake_the_api(index: int, world: World) -> None:
    # GIVEN a worker that is invoked just before one of the API's calls
    def overtake(call: Call) -> None:
        if call.index == index and world.cloud.wire.process is api:
            world.deliver()

    api = Process()
    world.cloud.wire.before = overtake
    # WHEN an order is posted, and the queue is drained
    exchange = world.post("k", order_body(), caller="ann", process=api)
    world.drain()
    # THEN the order is accepted and confirmed
    assert exchange.accepted
    assert [order["status"]["S"] for order in world.orders.values()] == ["CONFIRMED"]
    assert invariants.violations(world) == []


def test_the_check_of_each_guarantee_reports_a_violation(world: World) -> None:
    # GIVEN a processed order
    order_id = accepted_id(world)
    world.drain()
    assert invariants.violations(world) == []
    order = world.orders[order_id]
    items = world.cloud.dynamodb.tables["orders"].items
    reported: list[str] = []

    # WHEN the world is damaged in several ways, one after another
    items[(order_id,)] = {**order, "status": {"S": "ACCEPTED"}}
    reported += invariants.nothing_lost(world)
    items[(order_id,)] = {**order, "caller": {"S": "somebody"}}
    reported += invariants.isolated(world)
    items[(order_id,)] = order
    world.cloud.dynamodb.tables[STOCK].items[("SKU-1",)] = {"sku": {"S": "SKU-1"}, "available": {"N": "96"}}
    reported += invariants.one_effect(world)
    response = world.exchanges[0].response
    assert response is not None
    other = {**response, "body": response["body"].replace("ACCEPTED", "OTHER")}
    world.exchanges.append(replace(world.exchanges[0], response=other))  # type: ignore[arg-type]  # a damaged copy
    reported += invariants.same_answer(world)
    world.orders_queue.moves.append(("m", 3))
    reported += invariants.exact_retries(world)
    world.subscriber.received.clear()
    reported += invariants.notified(world)

    # THEN the check of each guarantee reports a violation
    assert [text[:2] for text in reported] == ["G1", "G6", "G2", "G3", "G4", "G5"]


def test_a_sweep_deletes_expired_records(world: World) -> None:
    # GIVEN a processed order
    accepted_id(world)
    world.drain()
    records = world.cloud.dynamodb.tables[WORKER_RECORDS].items
    assert len(records) == 1
    # WHEN its record expires, and the sweep deletes expired items
    world.cloud.clock.advance(Deployment().worker_record_seconds + 1)
    world.cloud.dynamodb.sweep()
    # THEN the record is deleted
    assert records == {}
