"""Gets a token for the stack's API, from the command line or from the stack's own issuer."""

import json
import os
import sys
from base64 import b64encode
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from ops.errors import NoAccessError, NoStackError
from ops.gateway.http import send
from ops.target import LOCAL, STACK_VARIABLE, Choice, read_outputs, run_pulumi

_SECRETS = "token_client_secrets"


def token_for(choice: Choice, given: str | None) -> str | None:
    """Return the given token (`-` means: from standard input).

    If none is given, get one from the stack's own issuer. If the stack has no issuer, return `None`.

    Raises:
        NoAccessError: the issuer refuses, or the clients' secrets are not known.
    """
    if given is not None:
        return sys.stdin.readline().strip() if given == "-" else given
    _, outputs = read_outputs(choice)
    if "token_url" not in outputs:
        return None
    clients: Mapping[str, str] = outputs["token_clients"]
    secrets = _secrets(choice, outputs)
    name = min(clients, default=None)
    if name is None or name not in secrets:
        raise NoAccessError(
            "The API needs a token, and the outputs that were read have no client secret. Give a token: "
            "`--token -` reads it from standard input. Or give `--outputs FILE` with the output of: "
            "pulumi stack output --json --show-secrets."
        )
    return fetch_token(outputs["token_url"], clients[name], secrets[name])


def fetch_token(url: str, client_id: str, secret: str, *scopes: str) -> str:
    """Get a token with `scopes` from the issuer's token endpoint.

    Without `scopes`, the token has all scopes of the client.

    Raises:
        NoAccessError: the issuer returned no token.
    """
    form = {"grant_type": "client_credentials", **({"scope": " ".join(scopes)} if scopes else {})}
    basic = b64encode(f"{client_id}:{secret}".encode()).decode()
    headers = {"Authorization": f"Basic {basic}", "Content-Type": "application/x-www-form-urlencoded"}
    answer = send("POST", url, headers, urlencode(form).encode())
    token = answer.document.get("access_token")
    if not isinstance(token, str):
        raise NoAccessError(f"{url} returned no token: {answer.status} {answer.document.get('error', '')}".rstrip())
    return token


def _secrets(choice: Choice, outputs: Mapping[str, Any]) -> Mapping[str, str]:
    found = outputs.get(_SECRETS)
    if isinstance(found, dict):
        return found
    stack = choice.stack or os.environ.get(STACK_VARIABLE, LOCAL)
    if choice.outputs is not None or choice.local or stack == LOCAL:
        return {}
    # `pulumi stack output --json` writes [secret] instead of the secrets.
    try:
        shown = json.loads(run_pulumi(stack, "stack", "output", _SECRETS, "--json", "--show-secrets"))
    except NoStackError as error:
        raise NoAccessError(str(error)) from None
    return shown if isinstance(shown, dict) else {}
