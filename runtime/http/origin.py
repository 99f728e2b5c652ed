"""Check that a request came through the edge in front of the API, where there is one.

The function knows digests only. The secrets are long and random, so that a digest in its configuration, which more
people may read than may change it, is of no use to them.
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
    """Lets requests pass that carry one of the secrets; without any secret, all of them."""

    digests: Sequence[bytes] = ()

    @classmethod
    def of(cls, digests: Sequence[str]) -> Self:
        """A guard for the secrets with these SHA-256 digests in hexadecimal."""
        return cls(tuple(bytes.fromhex(each) for each in digests))

    def check(self, request: Request) -> None:
        """Raises `ProblemError` (403) unless `request` came through the edge."""
        if self.digests and not self.accepts(request.header(HEADER) or ""):
            raise ProblemError(EDGE_BYPASSED, "Send the request to the API's public address.")

    def accepts(self, secret: str) -> bool:
        """Return True where it is one of the secrets."""
        given = hashlib.sha256(secret.encode(errors="surrogatepass")).digest()
        # All are compared, each in constant time: the answer's time says nothing about what is expected.
        matches = [hmac.compare_digest(given, expected) for expected in self.digests]
        return any(matches)
