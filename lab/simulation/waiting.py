"""Waiting messages of the simulated queue. A receive chooses among them by the documented rule of SQS's fair queues.

A group is noisy in two cases:

- It has at least 30 messages in flight, and these are more than a tenth of all messages in flight.
- It used more than a tenth of the recent processing time. AWS does not document how long "recent" is.

A receive first returns messages of groups that are not noisy.
(https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-fair-queues-detailed.html)
"""

from __future__ import annotations

import heapq
from collections import Counter, defaultdict, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count

NOISY_SHARE, NOISY_IN_FLIGHT, RECENT_SECONDS = 0.1, 30, 60.0


@dataclass(slots=True)
class Message:
    """One order's message. Times are seconds since the simulation began. Messages without a group share one
    group; SQS treats each such message as a group of its own."""

    sent_at: float
    group: str = ""
    receives: int = 0


@dataclass(slots=True)
class Waiting:
    """The messages that no worker is processing.

    Attributes:
        fair: Whether messages of noisy groups come last; if not, a receive returns the message that has been visible
            for the longest time.
    """

    fair: bool
    _groups: dict[str, list[tuple[float, int, Message]]] = field(default_factory=dict)
    _in_flight: Counter[str] = field(default_factory=Counter)
    _returning: list[tuple[float, str]] = field(default_factory=list)
    _seconds: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    _recent: deque[tuple[float, str, float]] = field(default_factory=deque)
    _numbers: Iterator[int] = field(default_factory=count)

    def add(self, message: Message, moment: float) -> None:
        """Make a message visible from ``moment`` on. If it was received before, it is in flight until ``moment``."""
        heapq.heappush(self._groups.setdefault(message.group, []), (moment, next(self._numbers), message))
        if message.receives:
            heapq.heappush(self._returning, (moment, message.group))

    def receive(self, now: float) -> Message | None:
        """Receive the next message, if one is visible."""
        while self._returning and self._returning[0][0] <= now:
            self._in_flight[heapq.heappop(self._returning)[1]] -= 1
        visible = [
            (self.fair and self._is_noisy(group, now), messages[0][:2], group)
            for group, messages in self._groups.items()
            if messages and messages[0][0] <= now
        ]
        if not visible:
            return None
        group = min(visible)[2]
        self._in_flight[group] += 1
        return heapq.heappop(self._groups[group])[2]

    def processed(self, message: Message, since: float, now: float) -> None:
        """Record the time for which a worker processed a message."""
        self._seconds[message.group] += now - since
        self._recent.append((now, message.group, now - since))

    def removed(self, message: Message) -> None:
        """Record that a received message has left the queue."""
        self._in_flight[message.group] -= 1

    def _is_noisy(self, group: str, now: float) -> bool:
        while self._recent and self._recent[0][0] < now - RECENT_SECONDS:
            _, past, seconds = self._recent.popleft()
            self._seconds[past] -= seconds
        in_flight = self._in_flight[group]
        return (in_flight >= NOISY_IN_FLIGHT and in_flight > NOISY_SHARE * self._in_flight.total()) or self._seconds[
            group
        ] > NOISY_SHARE * sum(self._seconds.values())
