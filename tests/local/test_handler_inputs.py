"""Each input of each resource type reaches a call, under a name and as a type that the API knows."""

import types
from itertools import count
from typing import Any, Union, get_args, get_origin

import pulumi
import pytest
from botocore.awsrequest import AWSResponse, HTTPHeaders

from local.keys import Keys
from local.services import functions
from local.services.aws import Aws
from local.services.base import Handler, Inputs
from local.services.registry import HANDLERS

_NUMBERS = count()


class Answer(dict[str, Any]):
    """Has whatever is asked for; nothing failed."""

    def __missing__(self, _: str) -> Any:
        return Answer()


@pytest.fixture(scope="module")
def aws() -> Aws:
    return Aws("http://127.0.0.1:1", "us-east-1", Keys.fresh()).connect()


def a_value(kind: Any) -> Any:
    """Something of that type, with everything in it that it can have."""
    if get_origin(kind) in (Union, types.UnionType):
        return a_value(get_args(kind)[0])
    if get_origin(kind) is list:
        return [a_value(get_args(kind)[0])]
    if get_origin(kind) is dict:
        return {"key": a_value(get_args(kind)[1])}
    if isinstance(kind, type) and issubclass(kind, Inputs):
        return everything(kind)
    others = {bool: True, int: 7200, float: 7.5, str: f"{next(_NUMBERS):024}", pulumi.Archive: pulumi.AssetArchive({})}
    return others[kind] if kind in others else get_args(kind)[-1]


def everything(model: type[Inputs]) -> dict[str, Any]:
    """All inputs of a type, none at its default."""
    fields = {field.alias or name: field for name, field in model.model_fields.items()}
    return {name: field.default is not True and a_value(field.annotation) for name, field in fields.items()}


def calls(aws: Aws, handler: Handler[Any], inputs: dict[str, Any]) -> list[tuple[str, Any]]:
    """What creating the resource calls; the SDK checks the parameters as ever, and then nothing is sent."""
    made: list[tuple[str, Any]] = []

    def note(params: Any, model: Any, **_: Any) -> None:
        made.append((model.name, params))

    def answer(**_: Any) -> tuple[AWSResponse, Answer]:
        return AWSResponse("", 200, HTTPHeaders(), None), Answer()

    clients = [each for each in vars(aws).values() if hasattr(each, "meta")]
    for client in clients:
        client.meta.events.register("before-parameter-build", note, unique_id="note")
        client.meta.events.register("before-call", answer, unique_id="answer")
    try:
        handler.create(aws, "logical", handler.model.model_validate(inputs))
    finally:
        for client in clients:
            client.meta.events.unregister("before-parameter-build", unique_id="note")
            client.meta.events.unregister("before-call", unique_id="answer")
    return made


@pytest.mark.parametrize("token", HANDLERS)
def test_every_input_reaches_a_call(aws: Aws, token: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN everything that the type can be given
    handler = HANDLERS[token]
    monkeypatch.setattr(functions, "_started", lambda *_: None)
    given = everything(handler.model)
    # WHEN it is created with it, and without one of its optional inputs
    whole = calls(aws, handler, given)
    optional = [field.alias for field in handler.model.model_fields.values() if not field.is_required()]
    unread = [
        name
        for name in optional
        if calls(aws, handler, {key: value for key, value in given.items() if key != name}) == whole
    ]
    # THEN each makes a difference
    assert whole
    assert unread == []
