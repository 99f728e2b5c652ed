"""Measures a warm invocation of a function (`ours`) and the alternatives `bare`, `floor`, `peer`.

This script can import only the standard library, the deployment package and modules of this folder.

The entry point and the clients are real, but a client returns a prepared answer instead of sending
its request. Plain botocore clients (`bare`) and the hand-signed client (`floor`) only repeat the
invocation's calls to AWS. `peer` is a short version of the function, from the folder `peers`.
Standard input is JSON with `module`, `peer`, `event`, `answers` (operation → JSON), `times` and
`rounds`. Standard error gets JSON: the names of the calls, and the seconds of processor time of
`ours` and of each alternative.
"""

from __future__ import annotations

import copy
import importlib
import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

# An answer of SNS, whose protocol is not JSON.
_PUBLISHED = b"<PublishResponse><PublishResult><MessageId>1</MessageId></PublishResult></PublishResponse>"


class Context:
    """The context that Lambda passes beside the event."""

    function_name = "function"
    memory_limit_in_mb = "512"
    invoked_function_arn = "arn:aws:lambda:eu-west-1:123456789012:function:function"
    aws_request_id = "52fdfc07-2182-154f-163f-5f0f9a621d72"

    def get_remaining_time_in_millis(self) -> int:
        """Return a time that is longer than any function needs."""
        return 60_000


def answering(client: Any, answers: dict[str, Any]) -> Any:
    """Make `client` return prepared answers instead of sending requests."""
    from botocore.awsrequest import AWSResponse
    from botocore.compat import HTTPHeaders

    class Answer(AWSResponse):
        def __init__(self, url: str, content: bytes) -> None:
            super().__init__(url, 200, HTTPHeaders.from_dict({"Content-Type": "application/x-amz-json-1.0"}), None)
            self._content = content

    def answer(request: Any, **_: Any) -> Answer:
        target = request.headers.get("X-Amz-Target")
        if target is None:
            return Answer(request.url, _PUBLISHED)
        operation = (target.decode() if isinstance(target, bytes) else target).rpartition(".")[2]
        return Answer(request.url, json.dumps(answers.get(operation, {})).encode())

    client.meta.events.register("before-send", answer)
    return client


def main() -> None:
    """Measure all alternatives in turns."""
    work = json.load(sys.stdin)
    sys.path[:0] = [sys.argv[1], str(Path(__file__).parent)]
    handler = importlib.import_module(work["module"]).handler
    clients = importlib.import_module("runtime.store.clients")
    made = {make: getattr(clients, make)() for make in ("dynamodb", "sqs", "sns", "brief_sqs")}
    recorded: list[tuple[str, str, dict[str, Any]]] = []

    def record(params: dict[str, Any], model: Any, **_: Any) -> None:
        recorded.append((model.service_model.service_name, model.name, copy.deepcopy(params)))

    for client in made.values():
        answering(client, work["answers"])
        client.meta.events.register("provide-client-params", record)
    check(handler(work["event"], Context()))
    for client in made.values():
        client.meta.events.unregister("provide-client-params", record)
    ways = {
        "ours": lambda: handler(work["event"], Context()),
        "bare": bare_calls(recorded, work["answers"]),
        "floor": hand_signed_calls(recorded, work["answers"]),
        "peer": peer(work),
    }
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(work["rounds"]):
        for name, run in ways.items():
            taken[name].append(seconds(run, work["times"]))
    report = {name: statistics.median(values) for name, values in taken.items()}
    sys.stderr.write(json.dumps({**report, "calls": [operation for _, operation, _ in recorded]}))


def check(answer: dict[str, Any]) -> None:
    """Stop with an error unless the answer shows an accepted or settled order."""
    if answer.get("statusCode", 202) != 202 or answer.get("batchItemFailures"):
        sys.exit(f"the run is invalid, because of an unexpected answer: {answer}")


def bare_calls(recorded: list[tuple[str, str, dict[str, Any]]], answers: dict[str, Any]) -> Callable[[], object]:
    """Return a function that makes the recorded calls with plain botocore clients."""
    import botocore.session
    from botocore import xform_name

    session = botocore.session.get_session()
    clients = {
        service: answering(session.create_client(service), answers) for service in {each[0] for each in recorded}
    }
    prepared = [(getattr(clients[service], xform_name(operation)), params) for service, operation, params in recorded]
    return lambda: [call(**params) for call, params in prepared]


def hand_signed_calls(recorded: list[tuple[str, str, dict[str, Any]]], answers: dict[str, Any]) -> Callable[[], object]:
    """Return a function that makes the recorded calls without an SDK."""
    hand_signed = importlib.import_module("hand_signed")
    clients = {service: hand_signed.Client(service) for service, *_ in recorded}
    bodies = {operation: json.dumps(answers.get(operation, {})).encode() for _, operation, _ in recorded}
    prepared = [(clients[service].call, operation, params) for service, operation, params in recorded]
    return lambda: [call(name, params, lambda *_, name=name: bodies[name]) for call, name, params in prepared]


def peer(work: dict[str, Any]) -> Callable[[], object]:
    """Return a function that runs the peer with the same event. The peer makes as many calls as our function."""
    module = importlib.import_module(work["peer"])
    for client in module.CLIENTS:
        answering(client, work["answers"])
    check(module.handler(work["event"], Context()))
    return lambda: module.handler(work["event"], Context())


def seconds(run: Callable[[], object], times: int) -> float:
    """Return the mean processor time of a run, in seconds."""
    started = time.process_time()
    for _ in range(times):
        run()
    return (time.process_time() - started) / times


if __name__ == "__main__":
    main()
