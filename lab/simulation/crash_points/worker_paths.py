"""Paths (path.py) through the worker."""

from __future__ import annotations

import json

from lab.simulation.crash_points.api_paths import CONFIRMED, killed_after
from lab.simulation.crash_points.path import Path, Prepare, Run, ends
from lab.simulation.crash_points.stage import Stage
from lab.simulation.fakes import Call, Fault
from lab.simulation.fakes.faults import crash_before, entry_refused, server_error, throttled, transaction_cancelled
from lab.simulation.fakes.wire import Process
from lab.simulation.world import STOCK
from runtime.models.fields import SCHEMA_VERSION

WORKER = "process_order"
NEWER = SCHEMA_VERSION + 1


def _deliver(stage: Stage) -> Run:
    return stage.world.deliver


# --- first receive ---------------------------------------------------------------------------------------------------


def _ordered(*lines: tuple[str, int]) -> Prepare:
    """Prepare one accepted order with these lines."""

    def prepare(stage: Stage) -> Run:
        stage.accept("k", *lines)
        return _deliver(stage)

    return prepare


_first, _out_of_stock = _ordered(("SKU-1", 2)), _ordered(("SKU-1", 2), ("SKU-2", 6))


def _api_killed_before_store(stage: Stage) -> Run:
    stage.post(process=killed_after("SendMessage"))
    return _deliver(stage)


# --- later receives --------------------------------------------------------------------------------------------------


def _delivered_again(stage: Stage) -> Run:
    stage.accept()
    message_id = stage.message().message_id
    stage.world.drain()
    stage.world.orders_queue.resurrect(message_id)
    return _deliver(stage)


def _second_message(stage: Stage) -> Run:
    stage.accept()
    sent_twice = stage.message()
    stage.world.drain()
    stage.world.orders_queue.resend(sent_twice)
    return _deliver(stage)


def _twin_in_progress(stage: Stage) -> Run:
    stage.accept()
    stage.world.deliver(killed_after("PutItem"))
    stage.redeliver()
    return _deliver(stage)


def _settled_not_published(stage: Stage, *lines: tuple[str, int]) -> Run:
    stage.accept("k", *lines)
    # In a run that rejects the order, the first UpdateItem writes the rejection.
    stage.world.deliver(killed_after("UpdateItem" if ("SKU-2", 6) in lines else "TransactWriteItems"))
    stage.lease_passes()
    return _deliver(stage)


def settled_and_stock_gone(stage: Stage) -> Run:
    """Prepare a confirmed order that sold out its SKU. The worker was killed before it published the order's event."""
    run = _settled_not_published(stage, ("SKU-2", 5))
    if stage.world.available("SKU-2") != 0:
        raise AssertionError("the path needs an order that sells out SKU-2")
    return run


def _discarded(stage: Stage) -> Run:
    stage.world.discard(stage.accept())
    return _deliver(stage)


def _redriven(stage: Stage) -> Run:
    stage.accept()
    stage.message().receive_count = stage.world.deployment.max_receive_count - 1
    stage.world.deliver(Process(on_call=table_down))
    if stage.world.deliver() is not None or stage.statuses() != ("FAILED",):
        raise AssertionError("the path needs a dead letter")
    stage.world.redrive(next(iter(stage.world.dead_letters.messages.values())))
    return _deliver(stage)


# --- failures --------------------------------------------------------------------------------------------------------


def _malformed(stage: Stage) -> Run:
    stage.accept()
    stage.message().body = "not JSON"
    return _deliver(stage)


def _names_two_orders(stage: Stage) -> Run:
    stage.accept()
    message = stage.message()
    other = "00000000-0000-5000-8000-000000000000"
    message.body = json.dumps({**json.loads(message.body), "order_id": other})
    return _deliver(stage)


def _newer_schema(stage: Stage) -> Run:
    stage.accept()
    _set_version(stage, NEWER)
    return _deliver(stage)


def _set_version(stage: Stage, version: int) -> None:
    """Set the schema version of every waiting message."""
    for message in stage.world.orders_queue.messages.values():
        message.attributes = {
            **message.attributes,
            "schema_version": {"DataType": "Number", "StringValue": str(version)},
        }
        message.body = json.dumps({**json.loads(message.body), "schema_version": version})


def _deploy_completes(stage: Stage) -> None:
    _set_version(stage, SCHEMA_VERSION)


def _corrupt_stock(stage: Stage) -> Run:
    stage.accept("k", ("SKU-3", 1))
    stage.world.cloud.dynamodb.tables[STOCK].items[("SKU-3",)] = {"sku": {"S": "SKU-3"}, "available": {"S": "many"}}
    return _deliver(stage)


def _stock_is_repaired(stage: Stage) -> None:
    if "S" in stage.world.cloud.dynamodb.tables[STOCK].items[("SKU-3",)]["available"]:
        stage.world.stock_up("SKU-3", 100)


def _topic_down(call: Call) -> Fault | None:
    return server_error if call.service == "sns" else None


def _bus_refuses(call: Call) -> Fault | None:
    return entry_refused if call.service == "events" else None


def table_down(call: Call) -> Fault | None:
    """Throttle every transaction, as if the table were down."""
    return throttled if call.operation == "TransactWriteItems" else None


def _row_conflict(call: Call) -> Fault | None:
    return transaction_cancelled(["TransactionConflict"]) if call.operation == "TransactWriteItems" else None


# --- last attempt ----------------------------------------------------------------------------------------------------


def _last(prepare: Prepare) -> Prepare:
    """Do what ``prepare`` does. Then raise the receive count of the queue's first message.

    The message's next receive is its last attempt.
    """

    def last(stage: Stage) -> Run:
        run = prepare(stage)
        message = next(iter(stage.world.orders_queue.messages.values()))
        message.receive_count = stage.world.deployment.max_receive_count - 1
        return run

    return last


_last_attempt = _last(_first)


# --- batches ---------------------------------------------------------------------------------------------------------


def _batch(stage: Stage) -> Run:
    stage.accept("one", ("SKU-2", 5))
    stage.accept("two", ("SKU-2", 5))
    stage.accept("three", ("SKU-1", 1))
    return _deliver(stage)


def _batch_with_poison(stage: Stage) -> Run:
    stage.accept("bad")
    stage.message().body = "not JSON"
    stage.accept("good")
    return _deliver(stage)


def _duplicates_in_a_batch(stage: Stage) -> Run:
    stage.accept()
    stage.world.orders_queue.resend(stage.message())
    return _deliver(stage)


def _isolated(stage: Stage) -> Run:
    """Prepare a batch of three messages. Its first run was killed while it processed the second message."""
    stage.world.stock_up("SKU-3", 5)
    for number in (1, 2, 3):
        # Each order has its own SKU. Otherwise a single transaction would settle all three orders.
        stage.accept(f"{number}", (f"SKU-{number}", 1))
    seen: list[Call] = []

    def second_transaction(call: Call) -> Fault | None:
        if call.operation == "TransactWriteItems":
            seen.append(call)
        return crash_before if len(seen) == 2 else None

    stage.world.deliver(Process(on_call=second_transaction))
    stage.lease_passes()
    return _deliver(stage)


REJECTED, FAILED = ends("REJECTED"), ends("FAILED")
THREE = ends(*["CONFIRMED"] * 3)
WORKER_PATHS = (
    Path("first receive", WORKER, _first, CONFIRMED),
    Path("two lines", WORKER, _ordered(("SKU-1", 2), ("SKU-2", 1)), CONFIRMED),
    Path("order not stored by the API", WORKER, _api_killed_before_store, CONFIRMED),
    Path("order not stored by the API, no retries", WORKER, _api_killed_before_store, CONFIRMED, no_retries=True),
    Path("out of stock", WORKER, _out_of_stock, REJECTED),
    Path("unknown SKU", WORKER, _ordered(("SKU-1", 2), ("NO-SUCH", 1)), REJECTED),
    Path("replay: delivered again", WORKER, _delivered_again, CONFIRMED),
    Path("replay: second message", WORKER, _second_message, CONFIRMED),
    Path("twin in progress", WORKER, _twin_in_progress, CONFIRMED),
    Path("confirmed, not published", WORKER, _settled_not_published, CONFIRMED),
    Path("confirmed, not published, stock gone", WORKER, settled_and_stock_gone, CONFIRMED),
    Path("rejected, not published", WORKER, lambda stage: _settled_not_published(stage, ("SKU-2", 6)), REJECTED),
    Path("discarded", WORKER, _discarded, ends("DISCARDED")),
    Path("redriven", WORKER, _redriven, CONFIRMED),
    Path("permanent: not JSON", WORKER, _malformed, FAILED, later=CONFIRMED, dead="always"),
    Path(
        "permanent: names two orders",
        WORKER,
        _names_two_orders,
        ends("ACCEPTED"),
        later=CONFIRMED,
        dead="always",
        marked=False,
    ),
    Path("retryable: newer schema", WORKER, _newer_schema, CONFIRMED, recover=_deploy_completes),
    Path("retryable: topic down", WORKER, _first, CONFIRMED, background=_topic_down),
    Path("retryable: table throttled", WORKER, _first, CONFIRMED, background=table_down),
    Path("retryable: transaction conflict", WORKER, _first, CONFIRMED, background=_row_conflict),
    Path("retryable: corrupt stock row", WORKER, _corrupt_stock, CONFIRMED, recover=_stock_is_repaired),
    Path("last attempt", WORKER, _last_attempt, CONFIRMED, dead="maybe"),
    Path("last attempt: topic down", WORKER, _last_attempt, CONFIRMED, dead="maybe", background=_topic_down),
    Path("last attempt: table throttled", WORKER, _last_attempt, CONFIRMED, dead="maybe", background=table_down),
    Path("last attempt: not JSON", WORKER, _last(_malformed), FAILED, later=CONFIRMED, dead="always"),
    Path("last attempt: newer schema", WORKER, _last(_newer_schema), FAILED, later=CONFIRMED, dead="always"),
    Path("bus: first receive", WORKER, _first, CONFIRMED, bus=True),
    Path("bus: out of stock", WORKER, _out_of_stock, REJECTED, bus=True),
    Path("bus: confirmed, not published", WORKER, _settled_not_published, CONFIRMED, bus=True),
    Path("bus: refuses the event", WORKER, _first, CONFIRMED, background=_bus_refuses, bus=True),
    Path(
        "bus: refuses the event, last attempt",
        WORKER,
        _last(_first),
        CONFIRMED,
        dead="maybe",
        background=_bus_refuses,
        bus=True,
    ),
    Path("batch: two orders for the last units", WORKER, _batch, ends("CONFIRMED", "CONFIRMED", "REJECTED")),
    Path(
        "batch: malformed beside valid",
        WORKER,
        _batch_with_poison,
        ends("CONFIRMED", "FAILED"),
        later=ends("CONFIRMED", "CONFIRMED"),
        dead="always",
    ),
    Path("batch: one order twice", WORKER, _duplicates_in_a_batch, CONFIRMED),
    Path("batch: isolated", WORKER, _isolated, THREE),
    Path("batch: isolated, last attempt", WORKER, _last(_isolated), THREE, dead="maybe"),
)
