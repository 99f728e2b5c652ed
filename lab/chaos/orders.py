"""Helpers of scenario.py and the end-to-end tests.

They wait for orders and dead letters, find the receives of an order, and fetch tokens.
"""

from typing import Any

from local.client import LocalStack
from local.demo.account import Account, DeadLetter, Receive, wait_for
from local.demo.audit import FINAL
from ops.smoke.token import fetch_token


def settled(account: Account, *order_ids: str, seconds: float = 45) -> list[dict[str, Any]]:
    """Wait until all of these orders have a final status, and return their rows."""

    def look() -> list[dict[str, Any]] | None:
        orders = account.orders()
        rows = [orders.get(order_id, {"status": "not stored"}) for order_id in order_ids]
        return rows if all(row["status"] in FINAL for row in rows) else None

    found: list[dict[str, Any]] = wait_for(f"orders {order_ids} to be settled", look, seconds)
    return found


def dead_letter(account: Account, **attribute: str) -> DeadLetter:
    """Wait for the only dead letter with this value of a message attribute, and return it."""
    ((name, value),) = attribute.items()

    def look() -> list[DeadLetter]:
        return [letter for letter in account.dead_letters() if letter.attribute(name) == value]

    (letter,) = wait_for(f"a dead letter with {name} {value}", look, 45)
    return letter


def receives_of(account: Account, order_id: str) -> list[Receive]:
    """Return the receives of an order in the worker's log, lowest receive number first."""
    return sorted(
        (receive for receive in account.receives() if receive.order_id == order_id), key=lambda receive: receive.attempt
    )


def token_of(stack: LocalStack, client: str, *scopes: str) -> str:
    """Return a new token of one of the stack's clients. Without `scopes`, the token has all the client's scopes."""
    ids, secrets = stack.outputs["token_clients"], stack.outputs["token_client_secrets"]
    return fetch_token(stack.outputs["token_url"], ids[client], secrets[client], *scopes)
