"""Clients that know nothing but to repeat: the same key, the same body, until 202, over connections that break."""

import json
import secrets
import socket
import struct
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from threading import Lock
from typing import Any
from urllib.parse import urlsplit

from lab.chaos.tokens import bearer
from local.errors import LocalError

_RANDOM = secrets.SystemRandom()
_TIMEOUT_SECONDS = 30.0
_GIVE_UP_SECONDS = 300.0
_LONGEST_PAUSE_SECONDS = 2.0
# A client that breaks off waits this long at most first, so that it leaves at every stage of the work on its request.
_PATIENCE_SECONDS = 0.4
# Repeated like no answer at all; any other status is one that no repetition could change.
_REPEATED = frozenset({HTTPStatus.CONFLICT, HTTPStatus.TOO_MANY_REQUESTS})


@dataclass(frozen=True)
class Habits:
    """How often a client's connection breaks, as parts of its requests."""

    breaks_midway: float = 0.07
    """Reset when half of the body is sent."""
    loses_answer: float = 0.10
    """Reset after the request is sent, before its answer is read."""
    asks_again: float = 0.2
    """Sends the whole thing once more after 202, as one does who lost the first answer."""


Asked = tuple[str, str]
"""Who asked, and under which key: what an answer belongs to."""


@dataclass(frozen=True)
class Wish:
    """One order as its client wants it."""

    caller: str
    """Whose token the client shows."""
    key: str
    body: dict[str, Any]

    @property
    def asked(self) -> Asked:
        """What its answers belong to."""
        return self.caller, self.key


@dataclass
class Traffic:
    """What the clients saw. Safe to use from many threads."""

    answers: dict[Asked, set[bytes]] = field(default_factory=dict)
    """The bodies of all 202 by caller and key."""
    contended: set[str] = field(default_factory=set)
    """Keys that requests of two callers were under way with at once."""
    first_requests: int = 0
    requests: int = 0
    broken_midway: int = 0
    lost_answers: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    _under_way: set[Asked] = field(default_factory=set)
    _lock: Lock = field(default_factory=Lock)

    @contextmanager
    def under_way(self, wish: Wish) -> Iterator[None]:
        """Its request, the only one of its caller and key right now, is on its way inside the block."""
        with self._lock:
            if any(key == wish.key for _, key in self._under_way):
                self.contended.add(wish.key)
            self._under_way.add(wish.asked)
        try:
            yield
        finally:
            with self._lock:
                self._under_way.discard(wish.asked)

    def count(self, **more: int) -> None:
        """Add to the numbers of these names."""
        with self._lock:
            for name, number in more.items():
                setattr(self, name, getattr(self, name) + number)

    def answered(self, wish: Wish, status: int, body: bytes) -> None:
        """Note an answer."""
        with self._lock:
            self.statuses[status] += 1
            if status == HTTPStatus.ACCEPTED:
                self.answers.setdefault(wish.asked, set()).add(body)

    @property
    def order_ids(self) -> dict[Asked, set[str]]:
        """The orders that were told, by caller and key."""
        return {asked: {str(json.loads(body)["order_id"]) for body in bodies} for asked, bodies in self.answers.items()}

    @property
    def shared_keys(self) -> int:
        """Keys under which several callers were answered 202."""
        return sum(callers > 1 for callers in Counter(key for _, key in self.answers).values())

    def told(self, caller: str) -> set[str]:
        """All orders that this caller was told of."""
        return {order_id for (name, _), ids in self.order_ids.items() if name == caller for order_id in ids}


class BlindClients:
    """So many clients, each with one order at a time. `send` blocks until every order was answered 202.

    Any of them may send any order: `tokens` has the token of each caller that a `Wish` names.
    """

    def __init__(self, url: str, tokens: Mapping[str, str], number: int, habits: Habits) -> None:
        parts = urlsplit(url)
        self._host, self._port, self._path = parts.hostname or "", parts.port, parts.path + "/orders"
        self._headers = {caller: bearer(token) for caller, token in tokens.items()}
        self._number = number
        self._habits = habits
        self.traffic = Traffic()

    def send(self, wishes: Sequence[Wish]) -> None:
        """Send them all. Raises `LocalError` for one that is refused, or not accepted within five minutes."""
        with ThreadPoolExecutor(self._number, thread_name_prefix="client") as pool:
            for outcome in [pool.submit(self._insist, wish) for wish in wishes]:
                outcome.result()

    def _insist(self, wish: Wish) -> None:
        deadline = time.monotonic() + _GIVE_UP_SECONDS
        pause = 0.1
        self.traffic.count(first_requests=1)
        while not self._attempt(wish):
            if time.monotonic() > deadline:
                raise LocalError(
                    f"The order {wish.key} of {wish.caller} was not accepted within {_GIVE_UP_SECONDS:.0f} s."
                )
            time.sleep(_RANDOM.uniform(pause / 2, pause))
            pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)
        if _RANDOM.random() < self._habits.asks_again:
            self._attempt(wish)

    def _attempt(self, wish: Wish) -> bool:
        """One request; whether 202 came back."""
        self.traffic.count(requests=1)
        with self.traffic.under_way(wish):
            return self._request(wish)

    def _request(self, wish: Wish) -> bool:
        chance = _RANDOM.random()
        connection = HTTPConnection(self._host, self._port, timeout=_TIMEOUT_SECONDS)
        body = json.dumps(wish.body).encode()
        try:
            self._head(connection, wish, len(body))
            if chance < self._habits.breaks_midway:
                connection.send(body[: len(body) // 2])
                self._reset(connection)
                self.traffic.count(broken_midway=1)
                return False
            connection.send(body)
            if chance < self._habits.breaks_midway + self._habits.loses_answer:
                time.sleep(_RANDOM.uniform(0, _PATIENCE_SECONDS))
                self._reset(connection)
                self.traffic.count(lost_answers=1)
                return False
            response = connection.getresponse()
            content = response.read()
        except (OSError, HTTPException):
            return False
        finally:
            connection.close()
        return self._judge(wish, response.status, content)

    def _judge(self, wish: Wish, status: int, content: bytes) -> bool:
        self.traffic.answered(wish, status, content)
        if status < HTTPStatus.INTERNAL_SERVER_ERROR and status not in {HTTPStatus.ACCEPTED, *_REPEATED}:
            raise LocalError(
                f"The order {wish.key} of {wish.caller} was refused with {status}: {content.decode(errors='replace')}"
            )
        return status == HTTPStatus.ACCEPTED

    def _head(self, connection: HTTPConnection, wish: Wish, length: int) -> None:
        connection.putrequest("POST", self._path)
        connection.putheader("Content-Type", "application/json")
        connection.putheader("Content-Length", str(length))
        connection.putheader("Idempotency-Key", wish.key)
        for name, value in self._headers[wish.caller].items():
            connection.putheader(name, value)
        connection.endheaders()

    def _reset(self, connection: HTTPConnection) -> None:
        """End the connection with RST instead of FIN, as a device does that loses its network."""
        if connection.sock is not None:
            connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.sock.close()
