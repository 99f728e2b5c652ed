"""One registration of the program → one real resource."""

from collections.abc import Mapping
from typing import Any

import pydantic
from botocore.exceptions import BotoCoreError, ClientError

from local.deploy.values import holds_files
from local.errors import LocalError
from local.services.aws import Aws
from local.services.base import Created, Handler, Inputs
from local.services.inert import INERT, create_inert
from local.services.registry import HANDLERS

_GUIDE = "docs/embedded-aws.md lists what is emulated"


class DeployError(LocalError):
    """A resource, or the program itself, could not be deployed. The message names the resource."""


def create(aws: Aws, pulumi_type: str, name: str, inputs: Mapping[str, Any]) -> Created:
    """Create a resource and return its id with all of its state: the inputs (without files) and the outputs.

    Raises `DeployError`, which names the resource: its type is unknown, an input is unknown or wrong, or the
    emulated service refused.
    """
    label = f"{name} ({pulumi_type})"
    if pulumi_type in INERT:
        made = create_inert(aws, pulumi_type, name, inputs)
    else:
        handler = _handler(pulumi_type, label)
        arguments = parse(handler, label, inputs)
        try:
            made = handler.create(aws, name, arguments)
        except (ClientError, BotoCoreError, OSError, ValueError) as error:
            raise DeployError(f"{label}: {error}") from error
    state = {key: value for key, value in inputs.items() if not holds_files(value)}
    return Created(made.id, {**state, **made.outputs})


def _handler(pulumi_type: str, label: str) -> Handler[Any]:
    handler = HANDLERS.get(pulumi_type)
    if handler is None:
        raise DeployError(
            f"{label}: the embedded AWS does not know the resource type {pulumi_type}. Give it a handler in "
            f"local/services/ or, if it may do nothing there, a line in local/services/inert.py; {_GUIDE}."
        )
    return handler


def parse(handler: Handler[Any], label: str, inputs: Mapping[str, Any]) -> Inputs:
    """The inputs as the handler's model. Raises `DeployError` that names every property that is unknown or wrong."""
    try:
        model: Inputs = handler.model.model_validate(
            {key: value for key, value in inputs.items() if key not in handler.ignored}
        )
    except pydantic.ValidationError as error:
        problems = "; ".join(_problem(handler, detail) for detail in error.errors())
        raise DeployError(f"{label}: {problems}") from None
    return model


def _problem(handler: Handler[Any], detail: Any) -> str:
    path = ".".join(str(part) for part in detail["loc"])
    if detail["type"] == "extra_forbidden":
        return (
            f"the input property {path} is not mapped (given: {detail['input']!r}), so it would silently have no "
            f"effect. Map it in {type(handler).__module__}, or list it there as ignored with the reason; {_GUIDE}"
        )
    return f"{path}: {detail['msg']} (given: {detail['input']!r})"
