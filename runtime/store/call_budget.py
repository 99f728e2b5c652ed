"""Refuses an attempt at a call to AWS if the attempt may last longer than the invocation.

If Lambda stops a function, the client gets a bare 5xx, and the idempotency record stays in progress. Refusing a late
attempt leaves time for our own answer 503.
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
"""The time that must be left for one attempt: its timeouts and a margin to write the answer."""


class OutOfTimeError(BotoCoreError):
    """An attempt was refused, because the invocation might have ended before the attempt's answer."""

    fmt = "{remaining} ms are left of the invocation, an attempt may take {needed} ms"


class CallBudget:
    """Stops its clients from beginning an attempt that may last longer than the invocation.

    An attempt begins only if `attempt_milliseconds` are left, unless `watch` sets another time for the client.
    """

    def __init__(self, attempt_milliseconds: int = ATTEMPT_MILLISECONDS) -> None:
        self._attempt_milliseconds = attempt_milliseconds
        self._invocation: RemainingTime | None = None
        self._kept_milliseconds = 0

    @contextmanager
    def keeping(self, seconds: float) -> Iterator[None]:
        """Within this context, require this many more seconds for each attempt."""
        self._kept_milliseconds = int(seconds * 1000)
        try:
            yield
        finally:
            self._kept_milliseconds = 0

    def begin(self, invocation: RemainingTime) -> None:
        """Use the remaining time of this invocation from now on; call this at the start of each invocation."""
        self._invocation = invocation

    def watch(self, client: "BaseClient", attempt_milliseconds: int | None = None) -> None:
        """Check the time before each attempt of `client` and before each pause between attempts.

        botocore does not retry a refused attempt. If a pause is refused, the call fails with its last attempt's error.
        """
        needed, events = attempt_milliseconds or self._attempt_milliseconds, client.meta.events
        events.register_first("before-send", partial(self._check, needed))
        # botocore uses the first answer that is not `None`. It calls event handlers that are
        # registered for one service before those that are registered for all services. So this
        # handler is registered for its client's service.
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
