"""Runs in an interpreter that sees the package alone: a warm invocation, and beside it the bare calls that it makes.

The real entry point and real clients, which answer themselves instead of sending. Standard input: `module`, `event`,
`answers` (operation → JSON), `times` and `rounds`, as JSON. Standard error: the calls, and seconds of processor time
of both.
"""

from __future__ import annotations

import copy
import importlib
import json
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

# As SNS answers, whose protocol is not JSON.
_PUBLISHED = b"<PublishResponse><PublishResult><MessageId>1</MessageId></PublishResult></PublishResponse>"


class Context:
    """What Lambda gives besides the event."""

    function_name = "function"
    memory_limit_in_mb = "512"
    invoked_function_arn = "arn:aws:lambda:eu-west-1:123456789012:function:function"
    aws_request_id = "52fdfc07-2182-154f-163f-5f0f9a621d72"

    def get_remaining_time_in_millis(self) -> int:
        """Enough."""
        return 60_000


def answering(client: Any, answers: dict[str, Any]) -> Any:
    """`client`, which answers itself."""
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
    """Measure both in turns."""
    work = json.load(sys.stdin)
    sys.path.insert(0, sys.argv[1])
    handler = importlib.import_module(work["module"]).handler
    clients = importlib.import_module("runtime.store.clients")
    made = {make: getattr(clients, make)() for make in ("dynamodb", "sqs", "sns", "brief_sqs")}
    recorded: list[tuple[str, str, dict[str, Any]]] = []

    def record(params: dict[str, Any], model: Any, **_: Any) -> None:
        recorded.append((model.service_model.service_name, model.name, copy.deepcopy(params)))

    for client in made.values():
        answering(client, work["answers"])
        client.meta.events.register("provide-client-params", record)
    answer = handler(work["event"], Context())
    if answer.get("statusCode", 202) != 202 or answer.get("batchItemFailures"):
        sys.exit(f"not as it should be, so there is nothing to measure: {answer}")
    for client in made.values():
        client.meta.events.unregister("provide-client-params", record)
    bare = bare_calls(recorded, work["answers"])
    both = {"ours": lambda: handler(work["event"], Context()), "floor": bare}
    taken: dict[str, list[float]] = {name: [] for name in both}
    for _ in range(work["rounds"]):
        for name, run in both.items():
            taken[name].append(seconds(run, work["times"]))
    report = {name: statistics.median(values) for name, values in taken.items()}
    sys.stderr.write(json.dumps({**report, "calls": [operation for _, operation, _ in recorded]}))


def bare_calls(recorded: list[tuple[str, str, dict[str, Any]]], answers: dict[str, Any]) -> Callable[[], object]:
    """The same calls, by clients as they come."""
    import botocore.session
    from botocore import xform_name

    session = botocore.session.get_session()
    clients = {
        service: answering(session.create_client(service), answers) for service in {each[0] for each in recorded}
    }
    prepared = [(getattr(clients[service], xform_name(operation)), params) for service, operation, params in recorded]
    return lambda: [call(**params) for call, params in prepared]


def seconds(run: Callable[[], object], times: int) -> float:
    """Seconds of processor time for one of many."""
    started = time.process_time()
    for _ in range(times):
        run()
    return (time.process_time() - started) / times


if __name__ == "__main__":
    main()
