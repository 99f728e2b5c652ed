"""Clients that know nothing but to repeat: the same key, the same body, until 202, over connections that break."""

import json
import math
import secrets
import socket
import struct
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from threading import Lock
from typing import Any
from urllib.parse import urlsplit

from ops.errors import OpsError
from ops.gateway.http import Answer, bearer, connect, read

_RANDOM = secrets.SystemRandom()
_LONGEST_PAUSE_SECONDS = 2.0
# A client that breaks off waits this long at most first, so that it leaves at every stage of the work on its request.
_PATIENCE_SECONDS = 0.4


@dataclass(frozen=True)
class Habits:
    """Shares of a client's requests whose connection breaks."""

    breaks_midway: float = 0.0
    """Reset when half of the body is sent."""
    loses_answer: float = 0.0
    """Reset after the request is sent, before its answer is read."""
    asks_again: float = 0.0
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
        """Return what its answers belong to."""
        return self.caller, self.key


@dataclass
class Traffic:
    """Record of what the clients saw. Safe to use from many threads."""

    answers: dict[Asked, set[bytes]] = field(default_factory=dict)
    """The bodies of all 202 by caller and key."""
    contended: set[str] = field(default_factory=set)
    """Keys that requests of two callers were under way with at once."""
    first_requests: int = 0
    requests: int = 0
    broken_midway: int = 0
    lost_answers: int = 0
    unanswered: int = 0
    """Requests whose connection failed by itself."""
    statuses: Counter[int] = field(default_factory=Counter)
    accept_seconds: list[float] = field(default_factory=list)
    """Of each accepted order: from when it was due until its first 202 was read, repetitions included."""
    offered_seconds: float = 0.0
    """From when the first order was due until the last was sent for the first time."""
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

    def begun(self, seconds: float) -> None:
        """Note that an order is sent for the first time, so long after the first was due."""
        with self._lock:
            self.first_requests += 1
            self.offered_seconds = max(self.offered_seconds, seconds)

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
    """So many clients, each with one order at a time.

    Any of them may send any order: `tokens` has the token of each caller that a `Wish` names, if it needs one.
    An order that is not accepted `patience` seconds after it was due is given up, and `most_requests` end the run.
    """

    def __init__(
        self,
        url: str,
        tokens: Mapping[str, str | None],
        number: int,
        habits: Habits,
        patience: float = 300.0,
        most_requests: float = math.inf,
    ) -> None:
        self._url, self._path = url, f"{urlsplit(url).path.rstrip('/')}/orders"
        self._headers = {caller: bearer(token) for caller, token in tokens.items()}
        self._number, self._habits, self._patience, self._most = number, habits, patience, most_requests
        self._idle = [connect(url)]
        self._ended = ""
        self.traffic = Traffic()

    def send(
        self, wishes: Sequence[Wish], per_second: float = math.inf, note: Callable[[int], None] = lambda _: None
    ) -> None:
        """Send each when it is due, `per_second` of them, and return when all were answered or given up.

        `note` is called with the number of those.

        Raises:
            OpsError: one was refused, or there were too many requests; no further one was begun.
        """
        pool = ThreadPoolExecutor(self._number, thread_name_prefix="client")
        started = time.monotonic()
        try:
            dues = self._paced(wishes, started, per_second)
            under_way = [pool.submit(self._insist, wish, due, started) for wish, due in dues]
            for number, outcome in enumerate(as_completed(under_way), 1):
                outcome.result()
                note(number)
        finally:
            pool.shutdown(cancel_futures=True)
            while self._idle:
                self._idle.pop().close()
        if self._ended:
            raise OpsError(self._ended)

    def _paced(self, wishes: Sequence[Wish], started: float, per_second: float) -> Iterator[tuple[Wish, float]]:
        """Each wish when it is due; one that is late for want of clients waits in the pool."""
        for number, wish in enumerate(wishes):
            due = started + number / per_second
            time.sleep(max(0.0, due - time.monotonic()))
            if self._ended:
                return
            yield wish, due

    def _insist(self, wish: Wish, due: float, started: float) -> None:
        pause = 0.1
        self.traffic.begun(time.monotonic() - started)
        while not self._attempt(wish):
            if self._ended or time.monotonic() > due + self._patience:
                return
            time.sleep(_RANDOM.uniform(pause / 2, pause))
            pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)
        self.traffic.accept_seconds.append(time.monotonic() - due)
        if _RANDOM.random() < self._habits.asks_again:
            self._attempt(wish)

    def _attempt(self, wish: Wish) -> bool:
        """One request; whether 202 came back."""
        if self.traffic.requests >= self._most:
            self._ended = f"Ended after {self.traffic.requests} requests: repetitions cost more than is allowed."
            return False
        self.traffic.count(requests=1)
        with self.traffic.under_way(wish):
            answer = self._request(wish)
        if answer is None:
            return False
        self.traffic.answered(wish, answer.status, answer.body)
        if answer.status != HTTPStatus.ACCEPTED and not answer.is_to_be_repeated:
            text = answer.body.decode(errors="replace")
            self._ended = f"The order {wish.key} was refused with {answer.status}: {text}"
        return answer.status == HTTPStatus.ACCEPTED

    def _request(self, wish: Wish) -> Answer | None:
        chance = _RANDOM.random()
        connection = self._idle.pop() if self._idle else connect(self._url)
        body = json.dumps(wish.body).encode()
        answer = None
        try:
            self._head(connection, wish, len(body))
            if chance < self._habits.breaks_midway:
                connection.send(body[: len(body) // 2])
                self._reset(connection)
                self.traffic.count(broken_midway=1)
                return None
            connection.send(body)
            if chance < self._habits.breaks_midway + self._habits.loses_answer:
                time.sleep(_RANDOM.uniform(0, _PATIENCE_SECONDS))
                self._reset(connection)
                self.traffic.count(lost_answers=1)
                return None
            answer = read(connection, 0.0)
        except (OSError, HTTPException):
            self.traffic.count(unanswered=1)
        finally:
            if answer is None:
                connection.close()
            else:
                self._idle.append(connection)
        return answer

    def _head(self, connection: HTTPConnection, wish: Wish, length: int) -> None:
        connection.putrequest("POST", self._path)
        headers = {"Content-Type": "application/json", "Content-Length": str(length), "Idempotency-Key": wish.key}
        for name, value in {**headers, **self._headers[wish.caller]}.items():
            connection.putheader(name, value)
        connection.endheaders()

    def _reset(self, connection: HTTPConnection) -> None:
        """End the connection with RST instead of FIN, as a device does that loses its network."""
        if connection.sock is not None:
            connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.sock.close()
