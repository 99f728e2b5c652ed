"""Fault rules: which calls they hit, and for how long."""

import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

_RANDOM = secrets.SystemRandom()


class FaultKind(StrEnum):
    """Outcome of a call that a rule hits."""

    ERROR = "error"
    THROTTLE = "throttle"
    CONFLICT = "conflict"
    TIMEOUT = "timeout"
    RESET = "reset"
    LOST_ANSWER = "lost-answer"


class FaultRule(BaseModel):
    """A rule that makes matching AWS calls of the functions fail.

    Each optional field restricts the rule if it is set.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    service: str = Field(description="The service's signing name: dynamodb, sqs, sns, events, xray, …")
    operation: str | None = Field(default=None, description="One operation, e.g. SendMessage; not set: all operations.")
    kind: FaultKind
    probability: float = Field(default=1.0, gt=0, le=1, description="Probability that a matching call is hit.")
    count: int | None = Field(default=None, ge=1, description="The rule ends after this many hits.")
    seconds: float | None = Field(default=None, gt=0, description="The rule ends after this time.")
    containing: str | None = Field(
        default=None, min_length=1, description="Only calls whose request has this text in its body, e.g. an SKU."
    )

    def matches(self, service: str, operation: str | None, body: bytes) -> bool:
        """Return whether the rule matches a call of `operation` with this request body."""
        if self.service != service or self.operation not in (None, operation):
            return False
        return self.containing is None or self.containing.encode() in body


class FaultStatus(BaseModel):
    """A rule with its counts so far."""

    model_config = ConfigDict(frozen=True)

    id: int
    rule: FaultRule
    matched: int = Field(description="Calls that the rule matched.")
    hits: int = Field(description="Calls that the rule made fail.")
    expired: bool = Field(
        description="Whether the rule's count or time is used up. The rule is listed until it is removed."
    )


@dataclass
class _Active:
    id: int
    rule: FaultRule
    ends: float | None
    matched: int = 0
    hits: int = 0

    def is_expired(self, now: float) -> bool:
        by_count = self.rule.count is not None and self.hits >= self.rule.count
        return by_count or (self.ends is not None and now >= self.ends)

    def status(self, now: float) -> FaultStatus:
        return FaultStatus(
            id=self.id, rule=self.rule, matched=self.matched, hits=self.hits, expired=self.is_expired(now)
        )


@dataclass
class Faults:
    """The fault rules; safe to use from many threads.

    A call gets the fault of the oldest rule that hits the call.
    """

    clock: Callable[[], float] = time.monotonic
    random: Callable[[], float] = _RANDOM.random
    _rules: list[_Active] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _next: int = 1

    def add(self, rule: FaultRule) -> FaultStatus:
        """Add a rule, which applies from now on."""
        with self._lock:
            now = self.clock()
            active = _Active(self._next, rule, None if rule.seconds is None else now + rule.seconds)
            self._next += 1
            self._rules.append(active)
            return active.status(now)

    def list(self) -> list[FaultStatus]:
        """Return all rules that were not removed, including those that are used up."""
        with self._lock:
            now = self.clock()
            return [active.status(now) for active in self._rules]

    def remove(self, number: int) -> bool:
        """Remove the rule with this id. Return whether the rule existed."""
        with self._lock:
            kept = [active for active in self._rules if active.id != number]
            found = len(kept) < len(self._rules)
            self._rules[:] = kept
            return found

    def clear(self) -> int:
        """Remove all rules and return their number."""
        with self._lock:
            count = len(self._rules)
            self._rules.clear()
            return count

    def decide(self, service: str, operation: str | None, body: bytes = b"") -> FaultKind | None:
        """Return the fault if a rule hits this call.

        The rules are tried, oldest first, until one hits. Each tried rule that matches the call adds
        one to its `matched`, even if its probability then lets the call pass.
        """
        # If there are no rules, no lock is taken, to save time. A rule that is added at this moment may miss this call.
        if not self._rules:
            return None
        with self._lock:
            now = self.clock()
            for active in self._rules:
                if active.is_expired(now) or not active.rule.matches(service, operation, body):
                    continue
                active.matched += 1
                if active.rule.probability >= 1 or self.random() < active.rule.probability:
                    active.hits += 1
                    return active.rule.kind
            return None
