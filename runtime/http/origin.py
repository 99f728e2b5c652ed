"""Check that a request came through the edge in front of the API, if the API has one.

The edge adds a secret to each request. Many people can read the function's configuration, so it
has only digests of the valid secrets. From the digest of a long random secret, nobody can find the
secret.
"""

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Self

from runtime.http.problems import EDGE_BYPASSED, ProblemError
from runtime.http.request import Request

HEADER: Final = "x-origin-verify"


@dataclass(frozen=True)
class OriginGuard:
    """Accepts only requests that carry one of the secrets. If there are no secrets, it accepts every request."""

    digests: Sequence[bytes] = ()

    @classmethod
    def of(cls, digests: Sequence[str]) -> Self:
        """Return a guard for the secrets that have these hexadecimal SHA-256 digests."""
        return cls(tuple(bytes.fromhex(each) for each in digests))

    def check(self, request: Request) -> None:
        """Raise `ProblemError` (403) unless `request` came through the edge."""
        if self.digests and not self.accepts(request.header(HEADER) or ""):
            raise ProblemError(EDGE_BYPASSED, "Send the request to the API's public address.")

    def accepts(self, secret: str) -> bool:
        """Return whether `secret` is one of the secrets."""
        given = hashlib.sha256(secret.encode(errors="surrogatepass")).digest()
        # All digests are compared, each in constant time, so that the time of the answer reveals nothing about them.
        matches = [hmac.compare_digest(given, expected) for expected in self.digests]
        return any(matches)
