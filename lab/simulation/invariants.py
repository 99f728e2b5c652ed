"""The guarantees G1-G6, checked on the state of a simulated system (`World`), and on the answers
and notifications that it sent.

Each check returns its violations as text; the list is empty if the guarantee holds. No check uses the history that
led to the state.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from typing import Any

from lab.simulation.queue_model import FifoQueue, Message
from lab.simulation.requests import ISSUER
from lab.simulation.world import Exchange, World
from runtime.http.responses import REPLAY_HEADER
from runtime.logic.canonical import canonical
from runtime.logic.keys import ANONYMOUS, Identity, caller_id
from runtime.models.order import OrderStatus

Intent = tuple[str | None, str, str]  # caller, key, canonical body

FINAL = frozenset({OrderStatus.CONFIRMED, OrderStatus.REJECTED, OrderStatus.DISCARDED})
SETTLED: dict[str, str] = {OrderStatus.CONFIRMED: "order.confirmed", OrderStatus.REJECTED: "order.rejected"}


def nothing_lost(world: World) -> list[str]:
    """G1: an order answered 202 is final, or has a message in the orders queue or the dead-letter queue. An order whose
    message expired in a queue is exempt.

    Stored orders that were not answered 202 are checked too. A crash may leave a message without an order, but must
    not leave an open order without a message.
    """
    waiting = {order_of(message) for message in _messages(world)} | _expired(world)
    return [
        f"G1: {order_id} is {_status(world, order_id)} and has no message left"
        for order_id in sorted(_accepted_orders(world) | world.orders.keys())
        if _status(world, order_id) not in FINAL and order_id not in waiting
    ]


def dead_letters_are_marked(world: World) -> list[str]:
    """G1: an order with a dead letter, and with no message in the orders queue, is ``FAILED`` or final.

    Do not call this function if the last attempt of a dead letter could not mark the order ``FAILED``, because the
    attempt was killed before its first write, or because its writes to the orders table failed.
    """
    in_queue = {order_of(message) for message in world.orders_queue.messages.values()}
    orders = world.orders
    return [
        f"G1: {order_id} is in the dead-letter queue and is {_status(world, order_id)}"
        for order_id in {order_of(message) for message in world.dead_letters.messages.values()}
        if order_id in orders and order_id not in in_queue
        if _status(world, order_id) not in FINAL | {OrderStatus.FAILED}
    ]


def one_effect(world: World) -> list[str]:
    """G2: each confirmed order took its stock exactly once; accepted requests with the same caller,
    key and body have one order."""
    taken: Counter[str] = Counter()
    for order in world.orders.values():
        if order["status"]["S"] == OrderStatus.CONFIRMED:
            for line in order["lines"]["L"]:
                taken[line["M"]["sku"]["S"]] += int(line["M"]["quantity"]["N"])
    violations = [
        f"G2: {sku} had {initial}, confirmed orders took {taken[sku]}, {world.available(sku)} are left"
        for sku, initial in world.initial_stock.items()
        if initial - taken[sku] != world.available(sku) or world.available(sku) < 0
    ]
    ids: dict[Intent, set[str]] = defaultdict(set)
    for exchange in _accepted(world):
        ids[_intent(exchange)].add(_answer(exchange)["order_id"])
    violations += [f"G2: {intent} led to {sorted(found)}" for intent, found in ids.items() if len(found) > 1]
    return violations


def same_answer(world: World) -> list[str]:
    """G3: accepted requests with the same caller, key and body get answers with the same bytes."""
    answers: dict[Intent, set[Any]] = defaultdict(set)
    for exchange in _accepted(world):
        if exchange.response is not None:
            answers[_intent(exchange)].add(exchange.response["body"])
    return [f"G3: {intent} got the answers {sorted(found)}" for intent, found in answers.items() if len(found) > 1]


def replays_are_marked(world: World) -> list[str]:
    """G3: during a key's life, a 202 to a retry is marked as a replay.

    The key's life begins with the first 202. Do not call this function if a failed run may have deleted the key's
    record after the end of the run's lease. Without the record, the next answer is not marked.
    """
    answered: dict[Intent, float] = {}
    violations = []
    for exchange in sorted(_accepted(world), key=lambda one: one.answered_at):
        intent = _intent(exchange)
        again = intent in answered and 0 <= exchange.sent_at - answered[intent] <= world.deployment.api_record_seconds
        if again and exchange.response is not None and REPLAY_HEADER not in exchange.response["headers"]:
            violations.append(f"G3: {intent} got a second answer that is not marked as a replay")
        answered.setdefault(intent, exchange.answered_at)
    return violations


def exact_retries(world: World) -> list[str]:
    """G4: SQS moves a message to the dead-letter queue at most once, after exactly ``max_receive_count`` receives."""
    most = world.deployment.max_receive_count
    moves = world.orders_queue.moves
    violations = [
        f"G4: {moved} was moved after {count} receives, not {most}" for moved, count in moves if count != most
    ]
    often = Counter(moved for moved, _ in moves)
    return violations + [f"G4: {moved} was moved {times} times" for moved, times in often.items() if times > 1]


def notified(world: World) -> list[str]:
    """G5: if a settled order has no message left, its outcome was published. Each event of an order has the stored
    outcome. Events with the same id have the same bytes.

    An order whose message expired in a queue is exempt, as in G1.
    """
    bodies: dict[str, set[str]] = defaultdict(set)
    types: dict[str, set[str]] = defaultdict(set)
    for notification in world.subscriber.received:
        event = json.loads(notification.body)
        bodies[event["id"]].add(notification.body)
        types[event["subject"]].add(event["type"])
    violations = [f"G5: {event_id} was published as {found}" for event_id, found in bodies.items() if len(found) > 1]
    waiting = {order_of(message) for message in _messages(world)} | _expired(world)
    for order_id, order in world.orders.items():
        expected = SETTLED.get(order["status"]["S"])
        if types[order_id] - {expected}:
            violations.append(f"G5: {order_id} is {_status(world, order_id)}, published as {sorted(types[order_id])}")
        elif expected is not None and not types[order_id] and order_id not in waiting:
            violations.append(f"G5: {order_id} is {_status(world, order_id)} and was never published")
    return violations


def isolated(world: World) -> list[str]:
    """G6: an order belongs only to the caller who received its id."""
    owners: dict[str, set[str | None]] = defaultdict(set)
    for exchange in _accepted(world):
        owners[_answer(exchange)["order_id"]].add(exchange.caller)
    violations = [f"G6: {order_id} was given to {found}" for order_id, found in owners.items() if len(found) > 1]
    orders = world.orders
    for order_id, callers in owners.items():
        stored = orders.get(order_id, {}).get("caller", {}).get("S")
        if stored is not None and stored not in {_caller_id(caller) for caller in callers}:
            violations.append(f"G6: {order_id} was given to {callers}, but is stored for {stored}")
    return violations


def in_order(world: World) -> list[str]:
    """Strict ordering: each caller's orders are published in the sequence in which the queue accepted them.

    Only the first message and the first event of each order count. Later orders overtake a dead-lettered order, so
    callers of this function must exclude histories with dead letters.
    """
    if not isinstance(world.orders_queue, FifoQueue):
        raise TypeError("only a FIFO queue keeps messages in order")
    sent: dict[str | None, dict[str, None]] = defaultdict(dict)
    for _, message in world.orders_queue.recent.values():
        sent[message.group_id].setdefault(str(order_of(message)))
    violations = []
    for group, order_ids in sent.items():
        actual = [order_id for order_id in published(world) if order_id in order_ids]
        expected = [order_id for order_id in order_ids if order_id in actual]
        if actual != expected:
            violations.append(f"sequence: {group} sent {expected}; the events came as {actual}")
    return violations


def published(world: World) -> list[str]:
    """Return the ids of published orders, in the sequence of their first events."""
    return list(dict.fromkeys(json.loads(one.body)["subject"] for one in world.subscriber.received))


ALWAYS: tuple[Callable[[World], list[str]], ...] = (
    nothing_lost,
    one_effect,
    same_answer,
    exact_retries,
    notified,
    isolated,
)
"""The checks that must hold at every moment between two calls to AWS. An order that still has a
message may be unsettled, and its outcome may be unpublished."""


def violations(world: World) -> list[str]:
    """Return every violation that the checks in ``ALWAYS`` find."""
    return [text for check in ALWAYS for text in check(world)]


def _messages(world: World) -> Iterator[Message]:
    yield from world.orders_queue.messages.values()
    yield from world.dead_letters.messages.values()


def _expired(world: World) -> set[str | None]:
    return {order_of(message) for queue in (world.orders_queue, world.dead_letters) for message in queue.expired}


def order_of(message: Message) -> str | None:
    """Return the order id in a message's attribute, if any."""
    value: str | None = message.attributes.get("order_id", {}).get("StringValue")
    return value


def _status(world: World, order_id: str) -> str | None:
    order = world.cloud.dynamodb.tables["orders"].items.get((order_id,))
    return None if order is None else str(order["status"]["S"])


def _accepted(world: World) -> Iterator[Exchange]:
    return (exchange for exchange in world.exchanges if exchange.accepted)


def _accepted_orders(world: World) -> set[str]:
    return {_answer(exchange)["order_id"] for exchange in _accepted(world)}


def _answer(exchange: Exchange) -> dict[str, Any]:
    if exchange.response is None:
        raise AssertionError("an accepted exchange has a response")
    answer: dict[str, Any] = json.loads(exchange.response["body"])
    return answer


def _intent(exchange: Exchange) -> Intent:
    return exchange.caller, exchange.key, canonical(json.loads(exchange.body))


def _caller_id(caller: str | None) -> str:
    return caller_id(ANONYMOUS if caller is None else Identity(ISSUER, caller))
