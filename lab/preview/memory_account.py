"""An AWS account in memory: enough to preview, deploy and destroy any stack, and to inspect its resources."""

from collections.abc import Callable, Mapping
from threading import Lock
from typing import Any

from lab.recording.fake_outputs import ACCOUNT, REGION, outputs_of
from local.engine.provider.account import RefusedError
from local.services.base import Created


class MemoryAccount:
    """Keeps resources by type and id. `before_create` gets each new resource's type and name, and may block."""

    region = REGION
    account_id = ACCOUNT

    def __init__(self, before_create: Callable[[str, str], None] = lambda *_: None) -> None:
        self.before_create = before_create
        self.resources: dict[tuple[str, str], dict[str, Any]] = {}
        self._updates: dict[tuple[str, str], int] = {}
        self._lock = Lock()

    def copy(self) -> "MemoryAccount":
        """Return another account with the same resources."""
        other = MemoryAccount()
        other.resources = {key: dict(value) for key, value in self.resources.items()}
        other._updates = dict(self._updates)
        return other

    def create(self, token: str, name: str, inputs: Mapping[str, Any]) -> Created:
        """Create a resource. As in AWS, a second one with the same name is refused."""
        self.before_create(token, name)
        outputs = outputs_of(token, name, inputs)
        key = (token, outputs.pop("id"))
        with self._lock:
            if key in self.resources:
                message = f"{key[1]} exists already"
                raise RefusedError(message)
            self.resources[key] = {**inputs, **outputs}
        return Created(key[1], outputs)

    def read(self, token: str, id_: str) -> Mapping[str, Any] | None:
        """Return a resource's inputs and outputs; `None` if it does not exist."""
        return self.resources.get((token, id_))

    def update(self, token: str, id_: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Mapping[str, Any]:
        """Change a resource; a function gets its next version."""
        key = (token, id_)
        with self._lock:
            if key not in self.resources:
                message = f"{id_} does not exist"
                raise RefusedError(message)
            known = {name: value for name, value in self.resources[key].items() if name not in old}
            outputs = {**known, **self._next_version(key, known)}
            self.resources[key] = {**new, **outputs}
        return outputs

    def _next_version(self, key: tuple[str, str], outputs: Mapping[str, Any]) -> dict[str, Any]:
        if "version" not in outputs:
            return {}
        self._updates[key] = self._updates.get(key, 0) + 1
        version = str(1 + self._updates[key])
        return {"version": version, "qualifiedArn": f"{outputs['arn']}:{version}"}

    def delete(self, token: str, id_: str, inputs: Mapping[str, Any]) -> None:
        """Delete a resource, unless it has deletion protection."""
        if inputs.get("deletionProtectionEnabled"):
            message = f"{id_} is protected against deletion"
            raise RefusedError(message)
        with self._lock:
            self.resources.pop((token, id_), None)
