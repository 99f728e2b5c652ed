"""Questions that the tests of this folder share."""

from typing import Any

from local.client import LocalStack
from local.demo.account import Account, DeadLetter, Receive, wait_for
from local.demo.audit import FINAL
from ops.smoke.token import fetch_token


def settled(account: Account, *order_ids: str, seconds: float = 45) -> list[dict[str, Any]]:
    """The rows of these orders, once all have a final status."""

    def look() -> list[dict[str, Any]] | None:
        orders = account.orders()
        rows = [orders.get(order_id, {"status": "not stored"}) for order_id in order_ids]
        return rows if all(row["status"] in FINAL for row in rows) else None

    found: list[dict[str, Any]] = wait_for(f"orders {order_ids} to be settled", look, seconds)
    return found


def dead_letter(account: Account, **attribute: str) -> DeadLetter:
    """The only dead letter whose message attribute has this value, once it is there."""
    ((name, value),) = attribute.items()

    def look() -> list[DeadLetter]:
        return [letter for letter in account.dead_letters() if letter.attribute(name) == value]

    (letter,) = wait_for(f"a dead letter with {name} {value}", look, 45)
    return letter


def receives_of(account: Account, order_id: str) -> list[Receive]:
    """Return what the worker's log says about an order, oldest first."""
    return sorted(
        (receive for receive in account.receives() if receive.order_id == order_id), key=lambda receive: receive.attempt
    )


def token_of(stack: LocalStack, client: str, *scopes: str) -> str:
    """A fresh token of one of the stack's clients, for these scopes or for all that it has."""
    ids, secrets = stack.outputs["token_clients"], stack.outputs["token_client_secrets"]
    return fetch_token(stack.outputs["token_url"], ids[client], secrets[client], *scopes)
