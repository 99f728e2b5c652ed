"""The demo's story: each function is one step."""

from collections import Counter
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from local.client import LocalStack
from local.demo.account import Account, wait_for
from local.demo.audit import FINAL, UNFILTERED, audit, gather
from local.demo.http import OrdersApi, at_once, order
from local.demo.transcript import Transcript, shown
from local.errors import LocalError
from ops.audit.judge import Finding

BOOK, LAMP = "SKU-BOOK", "SKU-LAMP"
POISON = "SKU-POISON"
STOCK = {BOOK: 100, LAMP: 2, POISON: 5}
RETRIES = 20


@dataclass(frozen=True)
class DemoStack:
    """The objects that every step uses."""

    stack: LocalStack
    account: Account
    api: OrdersApi
    transcript: Transcript

    def settled(self, order_id: str) -> dict[str, Any]:
        """Wait until the order has a final status, and return its row."""

        def look() -> dict[str, Any] | None:
            row = self.account.orders().get(order_id)
            return row if row and row["status"] in FINAL else None

        found: dict[str, Any] = wait_for(f"order {order_id} to be settled", look)
        return found

    def post(self, key: str, *lines: tuple[str, int]) -> str:
        """Print and send `POST /orders` with `lines` (SKU, quantity). Return the order's id."""
        what = ", ".join(f"{quantity} x {sku}" for sku, quantity in lines)
        self.transcript.sent(f"POST /orders  Idempotency-Key: {key}  ({what})")
        answer = self.api.post(order(*lines), key)
        if answer.status != HTTPStatus.ACCEPTED:
            self.transcript.answered(answer)
            raise LocalError(f"The order {key} was not accepted, so the story cannot go on.")
        self.transcript.received(f"202 in {answer.seconds * 1000:.0f} ms  order {answer.order_id}")
        return answer.order_id


def set_stock(stage: DemoStack) -> None:
    """Fill the stock table."""
    stage.transcript.chapter(
        "Stock is set", "The demo writes directly to the stock table, because the API has no route for it."
    )
    stage.account.set_stock(STOCK)
    rows = stage.account.stock()
    stage.transcript.returned(
        "stock table: " + ", ".join(f"{sku} {row['available']}" for sku, row in sorted(rows.items()))
    )
    stage.transcript.check(f"{len(STOCK)} articles are in stock", rows.keys() == STOCK.keys())


def accept(stage: DemoStack) -> None:
    """Post a good order, then the same request again, then another body with the same key."""
    transcript, before = stage.transcript, stage.account.available(BOOK)
    transcript.chapter("An order is accepted", "The API answers at once; a worker does the work.")
    body = order((BOOK, 2))
    transcript.sent(f"POST /orders  Idempotency-Key: first-order  {shown(body)}")
    first = stage.api.post(body, "first-order")
    transcript.answered(first)
    transcript.check(
        f"the answer is 202, with Location: orders/{first.order_id}",
        (first.status, first.headers.get("location")) == (HTTPStatus.ACCEPTED, f"orders/{first.order_id}"),
    )
    stage.settled(first.order_id)
    transcript.sent(f"GET /{first.headers['location']}")
    looked_up = stage.api.get(first.order_id)
    transcript.answered(looked_up)
    transcript.check("the order is CONFIRMED", looked_up.document["status"] == "CONFIRMED")
    transcript.check(f"stock of {BOOK}: {before} → {before - 2}", stage.account.available(BOOK) == before - 2)

    transcript.chapter("The same POST again", "A client that never received the first answer repeats its request.")
    transcript.sent("POST /orders  Idempotency-Key: first-order  (the same body)")
    again = stage.api.post(body, "first-order")
    transcript.answered(again)
    transcript.check(
        "the second answer equals the first, byte for byte", (again.status, again.body) == (first.status, first.body)
    )
    transcript.check("only the second answer is marked as a replay", again.is_replay and not first.is_replay)

    transcript.chapter(
        "The same key with another body",
        "This body is another order, so the API must not return the first answer.",
    )
    other = order((BOOK, 3))
    transcript.sent(f"POST /orders  Idempotency-Key: first-order  {shown(other)}")
    refused = stage.api.post(other, "first-order")
    transcript.answered(refused)
    reused = refused.status == 422 and refused.document["type"].endswith(":idempotency-key-reused")
    transcript.check("422: the key was used with another body", reused)


def concurrent_retries(stage: DemoStack) -> None:
    """Send one request twenty times at once, as impatient clients do."""
    transcript, before = stage.transcript, stage.account.available(BOOK)
    transcript.chapter(
        f"{RETRIES} copies of one request at the same time",
        "Lambda starts more instances of the function that accepts orders, so this takes a moment.",
    )
    body, key = order((BOOK, 1)), "impatient"
    transcript.sent(f"{RETRIES} x at once: POST /orders  Idempotency-Key: {key}  {shown(body)}")
    results = at_once(range(RETRIES), lambda _: stage.api.submit(body, key), RETRIES)
    statuses = Counter(status for _, attempts in results for status in attempts)
    transcript.received(
        f"{statuses[202]} x 202, {statuses[409]} x 409 "
        "(409: the first request still runs, so the client repeats its request after Retry-After)"
    )
    bodies = {answer.body for answer, _ in results}
    transcript.check(f"all {RETRIES} requests got the same answer", len(bodies) == 1 and statuses[202] == RETRIES)
    transcript.check("all answers except one are replays", sum(not answer.is_replay for answer, _ in results) == 1)
    stage.settled(results[0][0].order_id)
    transcript.check(
        f"stock of {BOOK} is taken once: {before} → {before - 1}", stage.account.available(BOOK) == before - 1
    )


def out_of_stock(stage: DemoStack) -> None:
    """Order more than is in stock."""
    transcript, before = stage.transcript, stage.account.available(BOOK)
    transcript.chapter(
        "Out of stock",
        "This is a business outcome, not a failure: the worker settles the order and publishes the event.",
    )
    order_id = stage.post("too-many", (BOOK, 1), (LAMP, 3))
    stage.settled(order_id)
    transcript.sent(f"GET /orders/{order_id}")
    answer = stage.api.get(order_id)
    transcript.answered(answer)
    reason = answer.document.get("reason")
    transcript.check(
        "the order is REJECTED, and the reason names the SKU", reason == {"code": "OUT_OF_STOCK", "skus": [LAMP]}
    )
    unmoved = (stage.account.available(LAMP), stage.account.available(BOOK)) == (STOCK[LAMP], before)
    transcript.check("no stock is taken, not even for the order's other line", unmoved)


def events(stage: DemoStack) -> None:
    """Show the events that subscribers have received so far."""
    transcript = stage.transcript
    transcript.chapter(
        "The events that subscribers got", "SNS delivers to two queues; the second has a filter for rejections."
    )
    everything, rejections = stage.account.events(UNFILTERED), stage.account.events("rejections")
    example = everything[0].document
    transcript.received(shown({name: example[name] for name in ("id", "type", "source", "subject", "correlationid")}))
    for name, received in ((UNFILTERED, everything), ("rejections", rejections)):
        types = Counter(event.document["type"] for event in received)
        transcript.returned(
            f'queue "{name}": ' + ", ".join(f"{number} {kind}" for kind, number in sorted(types.items()))
        )
    only = {event.document["type"] for event in rejections} == {"order.rejected"}
    transcript.check("the second queue has rejections only", only)
    by_correlation = {row["order_id"]: row["correlation_id"] for row in stage.account.orders().values()}
    travelled = all(
        event.document["correlationid"] == by_correlation[event.document["subject"]] for event in everything
    )
    transcript.check("each event has the correlation id of its order's request", travelled)


def check_guarantees(stage: DemoStack) -> list[Finding]:
    """Wait until the orders queue is empty, and check the guarantees."""
    wait_for("the orders queue to be empty", lambda: stage.account.waiting() == 0)
    return audit(gather(stage.account))
