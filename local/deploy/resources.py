"""Creates in the embedded AWS each resource that the program registers."""

from collections.abc import Mapping
from typing import Any

import pulumi
from botocore.exceptions import BotoCoreError, ClientError
from pulumi.runtime.rpc import is_rpc_secret, unwrap_rpc_secret

from local.errors import LocalError
from local.services.aws import Aws
from local.services.base import Created, Handler, Inputs, UnknownInputError
from local.services.inert import INERT, create_inert
from local.services.registry import HANDLERS

_GUIDE = "docs/embedded-aws.md lists what is emulated"


class DeployError(LocalError):
    """A resource, or the program itself, could not be deployed. The message names the resource or the error."""


def create(aws: Aws, pulumi_type: str, name: str, inputs: Mapping[str, Any]) -> Created:
    """Create a resource and return its id and its state: the inputs (without files) and the outputs.

    Raises `DeployError` when the resource's type is unknown, an input is unknown or wrong, or the emulated service
    refuses the call. The message names the resource.
    """
    label = f"{name} ({pulumi_type})"
    if pulumi_type in INERT:
        made = create_inert(aws, pulumi_type, name, inputs)
    else:
        handler = _handler(pulumi_type, label)
        try:
            made = handler.create(aws, name, parse(handler, label, inputs))
        except (ClientError, BotoCoreError, OSError, ValueError) as error:
            raise DeployError(f"{label}: {error}") from error
    state = {key: value for key, value in inputs.items() if not holds_files(value)}
    return Created(made.id, {**state, **made.outputs})


def _handler(pulumi_type: str, label: str) -> Handler:
    handler = HANDLERS.get(pulumi_type)
    if handler is None:
        raise DeployError(
            f"{label}: the embedded AWS does not support the resource type {pulumi_type}. Add a handler in "
            "local/services/. If the type needs no effect in the embedded AWS, add a line in local/services/inert.py "
            f"instead; {_GUIDE}."
        )
    return handler


def parse(handler: Handler, label: str, inputs: Inputs) -> Inputs:
    """Return the inputs that have an effect. Raises `DeployError` with every property that is not mapped."""
    effective = {key: value for key, value in inputs.items() if value is not None and key not in handler.ignored}
    try:
        handler.check(effective)
    except UnknownInputError as error:
        where = type(handler).__module__
        problems = (
            f"the input property {path} is not mapped (given: {value!r}), so it would silently have no effect. "
            f"Map it in {where}, or list it there as ignored with the reason; {_GUIDE}"
            for path, value in error.found.items()
        )
        raise DeployError(f"{label}: {'; '.join(problems)}") from None
    return effective


def plain(value: Any) -> Any:
    """Unwrap secrets, turn integral floats into ints (gRPC sends only doubles) and drop absent properties.

    Assets and archives are left unchanged; only the handler of functions opens them.
    """
    if is_rpc_secret(value):
        return plain(unwrap_rpc_secret(value))
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def holds_files(value: Any) -> bool:
    """Return whether the value is an asset or archive."""
    return isinstance(value, pulumi.Asset | pulumi.Archive)
