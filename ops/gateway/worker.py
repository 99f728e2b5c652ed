"""The worker's function and its event source mapping."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ops.errors import NoStackError, OpsError
from runtime.logic.clock import Clock

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

_WAIT_SECONDS: Final = 120
_POLL_SECONDS: Final = 1
ENABLED: Final = "Enabled"
DISABLED: Final = "Disabled"


@dataclass(frozen=True, slots=True)
class Mapping:
    """How the worker is fed. `state` is Lambda's: Enabled, Disabled, or on the way to one of them."""

    uuid: str
    state: str


class Worker:
    """Pauses and resumes, and tells the worker's settings."""

    def __init__(self, client: "LambdaClient", function: str, queue_arn: str, clock: Clock) -> None:
        self._client = client
        self._function = function
        self._queue_arn = queue_arn
        self._clock = clock

    def mapping(self) -> Mapping:
        """The mapping from the orders queue to the worker.

        Raises:
            NoStackError: there is none, or not exactly one.
        """
        pages = self._client.get_paginator("list_event_source_mappings").paginate(EventSourceArn=self._queue_arn)
        found = [one for page in pages for one in page["EventSourceMappings"]]
        ours = [one for one in found if f":function:{self._function}" in one["FunctionArn"]]
        if len(ours) != 1:
            raise NoStackError(
                f"{len(ours)} event source mappings lead from {self._queue_arn} to {self._function}; "
                "there must be one. Nothing was changed. `pulumi up` restores it."
            )
        return Mapping(ours[0]["UUID"], ours[0]["State"])

    def switch(self, uuid: str, *, enabled: bool, waiting: Callable[[str], None]) -> Mapping:
        """Enable or disable the mapping, and wait until it is.

        Raises:
            OpsError: Lambda has not done it in time; it goes on by itself.
        """
        wanted = ENABLED if enabled else DISABLED
        self._client.update_event_source_mapping(UUID=uuid, Enabled=enabled)
        deadline = self._clock.monotonic() + _WAIT_SECONDS
        while True:
            state = self._client.get_event_source_mapping(UUID=uuid)["State"]
            if state == wanted:
                return Mapping(uuid, state)
            if self._clock.monotonic() > deadline:
                raise OpsError(
                    f"The worker is still {state} after {_WAIT_SECONDS} s. It goes on; look: python -m ops status"
                )
            waiting(state)
            self._clock.sleep(_POLL_SECONDS)

    def event_source(self) -> str:
        """The `source` of the events of the worker that runs: of the alias that its mapping invokes.

        Raises:
            NoStackError: it has none.
        """
        configuration = self._client.get_function_configuration(FunctionName=self._function, Qualifier="live")
        source = configuration.get("Environment", {}).get("Variables", {}).get("EVENT_SOURCE")
        if not source:
            raise NoStackError(f"The function {self._function} has no EVENT_SOURCE: it is not an orders worker.")
        return source
