"""Answers for the OpenAPI document, recorded from the functions on the in-memory AWS."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from lab.simulation.fakes import Call, Process
from lab.simulation.fakes.faults import unreachable
from lab.simulation.fakes.wire import Perform
from lab.simulation.fakes.wire import Response as Answer
from lab.simulation.requests import ISSUER, api_event, lambda_context
from lab.simulation.world import Deployment, World, simulated
from runtime.http.responses import Response

ORDER: Final[dict[str, Any]] = {
    "currency": "EUR",
    "lines": [{"sku": "SKU-1", "quantity": 2, "unit_price": "19.90"}],
    "reference": "basket 4711",
}
KEY: Final = "8e03978e-40d5-43e8-bc93-6894a57f9324"
_WRONG: Final = {**ORDER, "lines": [{**ORDER["lines"][0], "quantity": 0}], "note": "?"}
_UNKNOWN_ID: Final = "00000000-0000-5000-8000-000000000000"


@dataclass(frozen=True)
class Examples:
    """Bodies of recorded answers.

    Attributes:
        accepted: The answer to a first POST of `ORDER`.
        seen: The answer to a GET of that order, which the worker rejected for lack of stock.
        refused: Problem documents that answered a POST. The key is the document's `type`.
        unseen: Problem documents that answered a GET. The key is the document's `type`.
    """

    accepted: dict[str, Any]
    seen: dict[str, Any]
    refused: dict[str, dict[str, Any]]
    unseen: dict[str, dict[str, Any]]


def record() -> Examples:
    """Send requests that produce each kind of answer once, and return the answers."""
    with simulated(World()) as world:
        accepted = _document(world.post(KEY, json.dumps(ORDER)).response)
        refused = [
            world.post(KEY, json.dumps({**ORDER, "reference": "another"})).response,
            world.post("two words", json.dumps(ORDER)).response,
            world.post("no-number", '{"currency": NaN}').response,
            world.post("large", " " * 65_537).response,
            world.post("wrong", json.dumps(_WRONG)).response,
            world.post("lost", json.dumps(ORDER), process=Process(faults={1: unreachable})).response,
            _conflict(world),
            _call(world, "POST", {}),
            _call(world, "POST", {"idempotency-key": KEY, "content-type": "text/plain"}),
            _call(world, "POST", {}, claims={"iss": ISSUER}),
        ]
        unseen = [
            world.get(_UNKNOWN_ID),
            _call(world, "GET", {}, claims={"iss": ISSUER}),
            _call(world, "GET", {}, process=Process(faults={0: unreachable})),
        ]
        world.stock_up("SKU-1", 1)
        world.cloud.clock.advance(2)
        world.drain()
        seen = _document(world.get(accepted["order_id"]))
    with simulated(World(deployment=Deployment(origin_secret_sha256="0" * 64))) as world:
        refused.append(_call(world, "POST", {}))
        unseen.append(_call(world, "GET", {}))
    return Examples(accepted, seen, _by_type(refused), _by_type(unseen))


def _conflict(world: World) -> Response | None:
    """Return the answer to a POST while the first POST with the same key is being processed."""
    answers: list[Response | None] = []

    def send_duplicate(_: Call, perform: Perform) -> Answer:
        answers.append(world.post("at-once", json.dumps(ORDER)).response)
        return perform()

    world.post("at-once", json.dumps(ORDER), process=Process(faults={1: send_duplicate}))
    return answers[0]


def _call(
    world: World,
    method: str,
    headers: Mapping[str, str],
    *,
    claims: Mapping[str, str] | None = None,
    process: Process | None = None,
) -> Response | None:
    event = api_event(None, method=method, headers=headers, body=json.dumps(ORDER), order_id=_UNKNOWN_ID)
    if claims is not None:
        event["requestContext"]["authorizer"] = {"jwt": {"claims": claims}}
    function = world._creator() if method == "POST" else world._reader()
    context = lambda_context(world.cloud.clock, world.deployment.api_timeout_seconds)
    return world._run(process, lambda: function.handle(event, context))


def _by_type(responses: Sequence[Response | None]) -> dict[str, dict[str, Any]]:
    return {document["type"]: document for document in map(_document, responses)}


def _document(response: Response | None) -> dict[str, Any]:
    if response is None:
        raise AssertionError("no answer: there is nothing to record")
    document: dict[str, Any] = json.loads(response["body"])
    return document
