"""The demo's two failures (a poison message and an unreadable message), and the redrive of the poison message."""

import shlex
from typing import Any

from local.demo.account import Receive, wait_for
from local.demo.story import BOOK, POISON, DemoStack
from local.demo.transcript import shown
from local.proxy.faults import FaultKind

_GOOD = ("good-1", "good-2", "good-3")


def poison(stage: DemoStack) -> str:
    """Send an order that fails at every attempt, between three good orders. Return the failing order's id."""
    transcript = stage.transcript
    limit = stage.account.max_receives()
    transcript.chapter(
        "A poison message between good messages",
        f"From now on each transaction with {POISON} fails. Delivery is paused until all four orders are queued.",
    )
    stage.stack.add_fault("dynamodb", "TransactWriteItems", FaultKind.ERROR, containing=POISON)
    with stage.account.deliveries_held():
        good = [stage.post(_GOOD[0], (BOOK, 1))]
        poisoned = stage.post("poison", (POISON, 1))
        good += [stage.post(key, (BOOK, 1)) for key in _GOOD[1:]]
    statuses = [stage.settled(order_id)["status"] for order_id in good]
    transcript.check("the three good orders are CONFIRMED", statuses == ["CONFIRMED"] * 3)
    receives = _watch(stage, poisoned, limit)
    transcript.check(
        f"the poison message was received exactly {limit} times (max_receive_count in Pulumi.local.yaml)",
        [each.attempt for each in receives] == _upto(limit),
    )
    others = [each.outcome for each in stage.account.receives() if each.order_id in good]
    transcript.check(
        "each of the three good messages was received once: none was retried because of the poison message",
        others == ["processed"] * len(good),
    )
    _arrived(stage, poisoned)
    transcript.sent(f"GET /orders/{poisoned}")
    answer = stage.api.get(poisoned)
    transcript.answered(answer)
    transcript.check(
        "the client sees DELAYED: the order is not final, and the client need not order again",
        answer.document["status"] == "DELAYED",
    )
    return poisoned


def unreadable(stage: DemoStack) -> None:
    """Send a message that is not JSON."""
    transcript = stage.transcript
    transcript.chapter(
        "A message that is not JSON", "A retry would fail too, so the worker sends it to the dead-letter queue at once."
    )
    transcript.sent("SQS SendMessage to the orders queue: this is not an order")
    message_id = stage.account.send("this is not an order")

    def look() -> Any:
        found = [each for each in stage.account.dead_letters() if each.attribute("original_message_id") == message_id]
        return found and found[0]

    letter = wait_for("the message to become a dead letter", look)
    reason = {name: letter.attribute(name) for name in ("error_type", "error", "attempt")}
    transcript.received(f"dead letter: {shown(reason)}")
    transcript.check(
        "the dead letter names the error, and the message was received only once",
        (reason["error_type"], reason["attempt"]) == ("MALFORMED_BODY", "1"),
    )


def recover(stage: DemoStack, poisoned: str) -> None:
    """End the fault and redrive the poison message."""
    transcript, before = stage.transcript, stage.account.available(POISON)
    transcript.chapter("Redrive", "The fault is cleared, and the poison message is sent back to the orders queue.")
    stage.stack.clear_faults()
    by, reason, where = "demo", "dependency repaired", ("--where", f"order_id={poisoned}")
    decision = shlex.join(["--by", by, "--reason", reason, "--yes"])
    transcript.sent(f"python -m ops dlq redrive --local {shlex.join(where)} {decision}")
    stage.stack.redrive(*where, by=by, reason=reason)
    stage.settled(poisoned)
    transcript.sent(f"GET /orders/{poisoned}")
    answer = stage.api.get(poisoned)
    transcript.answered(answer)
    transcript.check("the order is CONFIRMED", answer.document["status"] == "CONFIRMED")
    transcript.check(f"stock of {POISON}: {before} → {before - 1}", stage.account.available(POISON) == before - 1)


def _watch(stage: DemoStack, order_id: str, limit: int) -> list[Receive]:
    """Print each receive as soon as the worker has logged it. Stop after the last receive."""
    printed = 0

    def look() -> list[Receive] | None:
        nonlocal printed
        receives = [each for each in stage.account.receives() if each.order_id == order_id]
        for each in receives[printed:]:
            stage.transcript.received(f"worker's log: receive {each.attempt} of {limit} {each.outcome} ({each.error})")
        printed = len(receives)
        return receives if printed >= limit else None

    found: list[Receive] = wait_for(f"the {limit} receives of the poison message", look)
    return found


def _arrived(stage: DemoStack, order_id: str) -> None:
    def look() -> Any:
        return [each for each in stage.account.dead_letters() if each.order_id == order_id]

    letters = wait_for("the poison message to become a dead letter", look)
    row = stage.account.orders()[order_id]
    stage.transcript.returned(f"dead-letter queue: {len(letters)} message of order {order_id}")
    stage.transcript.returned(
        f"orders table: {row['status']}, {row['error']['error']} (attempt {row['error']['attempt']})"
    )
    stage.transcript.check(
        "SQS moved the message once, and its order is FAILED", len(letters) == 1 and row["status"] == "FAILED"
    )


def _upto(limit: int) -> list[int]:
    return list(range(1, limit + 1))
