"""Tokens of the clients that a stack with an issuer of its own knows."""

from local.client import LocalStack
from ops.smoke.token import fetch_token


def token_of(stack: LocalStack, client: str, *scopes: str) -> str:
    """A fresh token of one of the stack's clients, for these scopes or for all that it has."""
    ids, secrets = stack.outputs["token_clients"], stack.outputs["token_client_secrets"]
    return fetch_token(stack.outputs["token_url"], ids[client], secrets[client], *scopes)


def bearer(token: str) -> dict[str, str]:
    """The header that shows it."""
    return {"Authorization": f"Bearer {token}"}
