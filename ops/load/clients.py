"""Clients that repeat each request until the order is accepted or refused, or its time limit is reached.

Each repetition has the same key and body. The clients may reset connections.
"""

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
from ops.logic.counts import counted

_RANDOM = secrets.SystemRandom()
_LONGEST_PAUSE_SECONDS = 2.0
# To simulate a lost answer, a client waits for a random time of at most this many seconds, then resets
# the connection. So the reset can happen at any stage of the server's work.
_PATIENCE_SECONDS = 0.4


@dataclass(frozen=True)
class Habits:
    """Probabilities, from 0 to 1, that a client breaks or repeats a request."""

    breaks_midway: float = 0.0
    """The connection is reset after half of the body is sent."""
    loses_answer: float = 0.0
    """The connection is reset after the request is sent and before its answer is read."""
    repeats_accepted: float = 0.0
    """The request is sent again after a 202, as by a client that lost the first answer."""


CallerKey = tuple[str, str]
"""Caller and idempotency key of a request. `Traffic` groups the answers by this pair."""


@dataclass(frozen=True)
class PlannedOrder:
    """One order that a client is to place."""

    caller: str
    """Name of the caller whose token the client sends."""
    key: str
    body: dict[str, Any]

    @property
    def caller_key(self) -> CallerKey:
        """Return the caller and the key."""
        return self.caller, self.key


@dataclass
class Traffic:
    """Record of the clients' requests and answers. Safe to use from many threads."""

    answers: dict[CallerKey, set[bytes]] = field(default_factory=dict)
    """The bodies of all 202 answers, by caller and key."""
    contended: set[str] = field(default_factory=set)
    """Keys that two callers used at the same time."""
    first_requests: int = 0
    requests: int = 0
    broken_midway: int = 0
    lost_answers: int = 0
    unanswered: int = 0
    """Requests whose connection failed without a reset by the client."""
    statuses: Counter[int] = field(default_factory=Counter)
    accept_seconds: list[float] = field(default_factory=list)
    """For each accepted order: seconds between its due time and its first 202."""
    offered_seconds: float = 0.0
    """Seconds from the first order's due time until every order had been sent at least once."""
    _under_way: set[CallerKey] = field(default_factory=set)
    _lock: Lock = field(default_factory=Lock)

    @contextmanager
    def under_way(self, planned: PlannedOrder) -> Iterator[None]:
        """Record that a request is under way while the block runs. Each caller sends one request per key at a time."""
        with self._lock:
            if any(key == planned.key for _, key in self._under_way):
                self.contended.add(planned.key)
            self._under_way.add(planned.caller_key)
        try:
            yield
        finally:
            with self._lock:
                self._under_way.discard(planned.caller_key)

    def count(self, **more: int) -> None:
        """Add to the counters with these names."""
        with self._lock:
            for name, number in more.items():
                setattr(self, name, getattr(self, name) + number)

    def begun(self, seconds: float) -> None:
        """Record that an order is sent for the first time, `seconds` after the first order was due."""
        with self._lock:
            self.first_requests += 1
            self.offered_seconds = max(self.offered_seconds, seconds)

    def answered(self, planned: PlannedOrder, status: int, body: bytes) -> None:
        """Record an answer."""
        with self._lock:
            self.statuses[status] += 1
            if status == HTTPStatus.ACCEPTED:
                self.answers.setdefault(planned.caller_key, set()).add(body)

    @property
    def order_ids(self) -> dict[CallerKey, set[str]]:
        """Ids of the accepted orders, by caller and key."""
        return {key: {str(json.loads(body)["order_id"]) for body in bodies} for key, bodies in self.answers.items()}

    @property
    def shared_keys(self) -> int:
        """Number of keys with which several callers got a 202."""
        return sum(callers > 1 for callers in Counter(key for _, key in self.answers).values())

    def order_ids_of(self, caller: str) -> set[str]:
        """Return the ids of all orders that this caller's answers named."""
        return {order_id for (name, _), ids in self.order_ids.items() if name == caller for order_id in ids}


class RetryingClients:
    """Group of `number` clients. Each sends one order at a time.

    Any client may send any order. `tokens` maps each caller that a `PlannedOrder` names to its token, or to `None`.
    An order is abandoned if it is not accepted within `patience` seconds after it was due. The run stops
    with an error after `most_requests` requests.
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
        self,
        planned_orders: Sequence[PlannedOrder],
        per_second: float = math.inf,
        note: Callable[[int], None] = lambda _: None,
    ) -> None:
        """Send `per_second` orders per second, and return when all are accepted or abandoned.

        `note` is called with the number of finished orders.

        Raises:
            OpsError: an order was refused, or there were too many requests. Then orders not due yet are not sent.
        """
        pool = ThreadPoolExecutor(self._number, thread_name_prefix="client")
        started = time.monotonic()
        try:
            dues = self._paced(planned_orders, started, per_second)
            under_way = [pool.submit(self._repeat_until_accepted, planned, due, started) for planned, due in dues]
            for number, outcome in enumerate(as_completed(under_way), 1):
                outcome.result()
                note(number)
        finally:
            pool.shutdown(cancel_futures=True)
            while self._idle:
                self._idle.pop().close()
        if self._ended:
            raise OpsError(self._ended)

    def _paced(
        self, planned_orders: Sequence[PlannedOrder], started: float, per_second: float
    ) -> Iterator[tuple[PlannedOrder, float]]:
        """Yield each order when it is due. If all clients are busy, the order waits in the pool."""
        for number, planned in enumerate(planned_orders):
            due = started + number / per_second
            time.sleep(max(0.0, due - time.monotonic()))
            if self._ended:
                return
            yield planned, due

    def _repeat_until_accepted(self, planned: PlannedOrder, due: float, started: float) -> None:
        pause = 0.1
        self.traffic.begun(time.monotonic() - started)
        while not self._attempt(planned):
            if self._ended or time.monotonic() > due + self._patience:
                return
            time.sleep(_RANDOM.uniform(pause / 2, pause))
            pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)
        self.traffic.accept_seconds.append(time.monotonic() - due)
        if _RANDOM.random() < self._habits.repeats_accepted:
            self._attempt(planned)

    def _attempt(self, planned: PlannedOrder) -> bool:
        """Send one request. Return whether the answer was 202."""
        if self.traffic.requests >= self._most:
            self._ended = (
                f"Ended after {counted(self.traffic.requests, 'request')}, "
                "because more requests would cost more than is allowed."
            )
            return False
        self.traffic.count(requests=1)
        with self.traffic.under_way(planned):
            answer = self._request(planned)
        if answer is None:
            return False
        self.traffic.answered(planned, answer.status, answer.body)
        if answer.status != HTTPStatus.ACCEPTED and not answer.is_to_be_repeated:
            text = answer.body.decode(errors="replace")
            self._ended = f"The order {planned.key} was refused with {answer.status}: {text}"
        return answer.status == HTTPStatus.ACCEPTED

    def _request(self, planned: PlannedOrder) -> Answer | None:
        chance = _RANDOM.random()
        connection = self._idle.pop() if self._idle else connect(self._url)
        body = json.dumps(planned.body).encode()
        answer = None
        try:
            self._head(connection, planned, len(body))
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

    def _head(self, connection: HTTPConnection, planned: PlannedOrder, length: int) -> None:
        connection.putrequest("POST", self._path)
        headers = {"Content-Type": "application/json", "Content-Length": str(length), "Idempotency-Key": planned.key}
        for name, value in {**headers, **self._headers[planned.caller]}.items():
            connection.putheader(name, value)
        connection.endheaders()

    def _reset(self, connection: HTTPConnection) -> None:
        """End the connection with RST instead of FIN, as a device may do when its network breaks."""
        if connection.sock is not None:
            connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.sock.close()
