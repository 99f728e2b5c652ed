"""Creates, changes and deletes resources in the embedded AWS.

Uses the same handlers as `python -m local up`.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from local.deploy.resources import DeployError, create, parse
from local.engine.provider.account import RefusedError
from local.engine.provider.wire import opened
from local.services.aws import Aws
from local.services.base import Created, Handler
from local.services.inert import INERT, create_inert
from local.services.registry import HANDLERS


class EmbeddedAccount:
    """The account of an emulator. Paths of archives are relative to `program`."""

    def __init__(self, aws: Aws, program: Path) -> None:
        # All clients are made here, because making a client is not thread-safe.
        self._aws = aws.connect()
        self._program = program
        # The threads call the emulator one at a time, because the emulator closes a connection that waits too long.
        self._turn = Lock()
        self.region = aws.region
        self.account_id = aws.account_id

    def create(self, token: str, name: str, inputs: Mapping[str, Any]) -> Created:
        """Create the resource in the emulator."""
        with self._turn, _explained():
            made = create(self._aws, token, name, self._opened(inputs))
        return Created(made.id, {key: value for key, value in made.outputs.items() if key not in inputs})

    def read(self, token: str, id_: str) -> Mapping[str, Any] | None:
        """Refuse, because the handlers cannot derive a resource's inputs from AWS's description of the resource."""
        message = (
            f"{id_} ({token}): the embedded AWS supports neither refresh nor import, because inputs cannot be read back"
        )
        raise RefusedError(message)

    def update(self, token: str, id_: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Mapping[str, Any]:
        """Change the resource in place. Raises `RefusedError` for a change that the handler cannot make in place."""
        if token in INERT:
            return create_inert(self._aws, token, id_, new).outputs
        handler = self._handler(token)
        differing = {key for key in {*old, *new} if old.get(key) != new.get(key)}
        if stuck := sorted(differing - handler.updatable - set(handler.ignored)):
            message = f"{', '.join(stuck)} cannot be changed in place in the embedded AWS; replace the whole resource"
            raise RefusedError(message)
        with self._turn, _explained():
            before, after = (parse(handler, id_, self._opened(each)) for each in (old, new))
            outputs = handler.update(self._aws, id_, before, after)
        return {key: value for key, value in outputs.items() if key not in new}

    def delete(self, token: str, id_: str, inputs: Mapping[str, Any]) -> None:
        """Delete the resource."""
        if token in INERT:
            return
        handler = self._handler(token)
        with self._turn, _explained():
            handler.delete(self._aws, id_, parse(handler, id_, self._opened(inputs)))

    def _opened(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        return {key: opened(value, self._program) for key, value in inputs.items()}

    @staticmethod
    def _handler(token: str) -> Handler:
        if token not in HANDLERS:
            message = f"the embedded AWS does not support the resource type {token}"
            raise RefusedError(message)
        return HANDLERS[token]


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except (DeployError, ClientError, BotoCoreError, OSError, ValueError) as error:
        raise RefusedError(str(error)) from error
