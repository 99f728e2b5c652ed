"""Sources of bearer tokens. A client asks for a token before each try, and for another one after a 401."""

import base64
import json
import threading
import time
from collections.abc import Callable
from typing import Protocol
from urllib.parse import quote, urlencode

import urllib3

from orders_client.errors import TokenRefusedError

# A token is replaced this many seconds before it expires.
_EARLY = 60.0
_TOO_MANY_REQUESTS = 429


class Tokens(Protocol):
    """A source of bearer tokens."""

    def token(self, refused: str | None = None) -> str:
        """Return a token to send. If possible, the token differs from `refused`, which the API did not accept."""


class FixedToken:
    """A fixed token, which the client does not renew."""

    def __init__(self, token: str) -> None:
        self._token = token

    def token(self, refused: str | None = None) -> str:  # noqa: ARG002 - there is only one token
        """Return the token that was given."""
        return self._token


class ClientCredentials:
    """Tokens of the OAuth 2.0 client credentials grant (RFC 6749, section 4.4), kept until a minute before expiry."""

    def __init__(
        self,
        token_url: str,
        client_id: str,
        client_secret: str,
        scope: str = "",
        *,
        pool: urllib3.PoolManager | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._url, self._scope, self._clock = token_url, scope, clock
        pair = f"{quote(client_id, safe='')}:{quote(client_secret, safe='')}"
        self._authorization = f"Basic {base64.b64encode(pair.encode()).decode()}"
        self._pool = pool or urllib3.PoolManager()
        self._lock = threading.Lock()
        self._token, self._until = "", 0.0

    def token(self, refused: str | None = None) -> str:
        """Return the stored token, or a new one if the stored token was refused or expires within a minute.

        Raises `TokenRefusedError` if the issuer refuses the client, or `urllib3.exceptions.HTTPError` if the issuer
        gives no usable answer.
        """
        with self._lock:
            if self._token in ("", refused) or self._clock() >= self._until:
                self._renew()
            return self._token

    def _renew(self) -> None:
        requested_at = self._clock()
        answer = self._pool.request(
            "POST",
            self._url,
            body=urlencode({"grant_type": "client_credentials", **({"scope": self._scope} if self._scope else {})}),
            headers={"Authorization": self._authorization, "Content-Type": "application/x-www-form-urlencoded"},
            timeout=10.0,
            retries=False,
        )
        if answer.status >= 500 or answer.status == _TOO_MANY_REQUESTS:
            message = f"the token issuer answered {answer.status}"
            raise urllib3.exceptions.HTTPError(message)
        if answer.status != 200:
            raise TokenRefusedError(answer.status)
        try:
            document = json.loads(answer.data)
            self._token, lifetime = str(document["access_token"]), float(document.get("expires_in", 300))
        except (ValueError, KeyError, TypeError) as error:
            message = "the token issuer's answer is unreadable"
            raise urllib3.exceptions.HTTPError(message) from error
        self._until = requested_at + max(0.0, lifetime - _EARLY)
