"""Tokens of the clients that a stack with an issuer of its own knows."""

import json
from base64 import b64encode
from urllib.parse import urlencode
from urllib.request import Request, urlopen

from local.client import LocalStack


def token_of(stack: LocalStack, client: str, *scopes: str) -> str:
    """A fresh token of one of the stack's clients, for these scopes or for all that it has."""
    ids, secrets = stack.outputs["token_clients"], stack.outputs["token_client_secrets"]
    return fetch_token(stack.outputs["token_url"], ids[client], secrets[client], *scopes)


def fetch_token(url: str, client_id: str, secret: str, *scopes: str) -> str:
    """What the issuer's token endpoint gives for these credentials."""
    form = {"grant_type": "client_credentials", **({"scope": " ".join(scopes)} if scopes else {})}
    basic = b64encode(f"{client_id}:{secret}".encode()).decode()
    request = Request(url, urlencode(form).encode(), {"Authorization": f"Basic {basic}"})  # noqa: S310 - http on loopback
    with urlopen(request, timeout=30) as answer:  # noqa: S310 - the same
        return str(json.load(answer)["access_token"])


def bearer(token: str) -> dict[str, str]:
    """The header that shows it."""
    return {"Authorization": f"Bearer {token}"}
