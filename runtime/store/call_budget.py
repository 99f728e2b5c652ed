"""No attempt at a call begins when the invocation may end before its answer.

A function that the platform stops answers with the platform's bare 5xx, and leaves its idempotency record in progress.
Refusing the attempt that may not end in time leaves the time to say 503 ourselves.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import BotoCoreError

from runtime.logic.protocols import RemainingTime
from runtime.store.call_times import ATTEMPT_SECONDS

if TYPE_CHECKING:
    from botocore.client import BaseClient

_MARGIN_SECONDS: Final = 0.5
ATTEMPT_MILLISECONDS: Final = int((ATTEMPT_SECONDS + _MARGIN_SECONDS) * 1000)
"""The time that has to be left for one attempt: its timeouts, and a margin to write the answer."""


class OutOfTimeError(BotoCoreError):
    """An attempt was not begun, because the invocation may end before its answer."""

    fmt = "{remaining} ms are left of the invocation, an attempt may take {needed} ms"


class CallBudget:
    """Watches clients, so that none of them begins an attempt that may outlive the invocation.

    `attempt_milliseconds` have to be left for an attempt, where `watch` does not say otherwise.
    """

    def __init__(self, attempt_milliseconds: int = ATTEMPT_MILLISECONDS) -> None:
        self._attempt_milliseconds = attempt_milliseconds
        self._invocation: RemainingTime | None = None
        self._kept_milliseconds = 0

    @contextmanager
    def keeping(self, seconds: float) -> Iterator[None]:
        """Within this context no attempt begins unless so many seconds more are left."""
        self._kept_milliseconds = int(seconds * 1000)
        try:
            yield
        finally:
            self._kept_milliseconds = 0

    def begin(self, invocation: RemainingTime) -> None:
        """Tell at the start of each invocation how much time it has."""
        self._invocation = invocation

    def watch(self, client: "BaseClient", attempt_milliseconds: int | None = None) -> None:
        """Check before each attempt of `client`, and before the pause that precedes another one.

        botocore does not retry what is refused here. Without a pause the call fails with what made its attempt fail.
        """
        needed, events = attempt_milliseconds or self._attempt_milliseconds, client.meta.events
        events.register_first("before-send", partial(self._check, needed))
        # The first answer counts, and what is registered for the service is asked before what is registered for all.
        no_pause: partial[Any] = partial(self._no_pause, needed)
        events.register_first(f"needs-retry.{client.meta.service_model.service_id.hyphenize()}", no_pause)

    def _check(self, needed: int, **_: Any) -> None:
        remaining = self._remaining()
        if remaining is not None and remaining < needed:
            raise OutOfTimeError(remaining=remaining, needed=needed)

    def _no_pause(self, needed: int, **_: Any) -> bool | None:
        remaining = self._remaining()
        return False if remaining is not None and remaining < needed else None

    def _remaining(self) -> int | None:
        if self._invocation is None:
            return None
        return self._invocation.get_remaining_time_in_millis() - self._kept_milliseconds
