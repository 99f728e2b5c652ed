"""``python -m lab.benchmarks.warm_post``: processor time of a warm ``POST /orders``, with and without idempotency.

The real endpoint and real boto3 clients, which answer themselves instead of sending: our own work and the client's.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from itertools import count
from typing import Any
from unittest.mock import patch

import boto3
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders

from lab.benchmarks.measure import compare
from lab.simulation.clock import Clock
from lab.simulation.requests import api_event, lambda_context, order_body
from runtime.handlers import create_order
from runtime.handlers.create_order import CreateOrder
from runtime.handlers.powertools.idempotency import Answer, FirstAnswers
from runtime.observability import logger, metrics
from runtime.settings import IntakeSettings

REQUESTS = 200
_ANSWERS: dict[str, dict[str, Any]] = {
    "UpdateItem": {"Attributes": {"accepted_at": {"S": "2026-01-01T00:00:00.000Z"}}},
    "SendMessage": {"MessageId": "message"},
}
_keys = count()


class _Answer(AWSResponse):
    """An answer with its content at hand."""

    def __init__(self, url: str, content: bytes) -> None:
        super().__init__(url, 200, HTTPHeaders.from_dict({"Content-Type": "application/x-amz-json-1.0"}), None)
        self._content = content


class WithoutIdempotency(FirstAnswers):
    """Runs every request."""

    def once(self, *, key: str, payload: str, operation: Callable[[], str]) -> Answer:
        """Run it, remember nothing."""
        del key, payload
        return Answer(body=operation(), replayed=False)


def endpoint(answers: type[FirstAnswers]) -> CreateOrder:
    """The endpoint around clients that answer themselves."""
    settings = IntakeSettings(orders_table="orders", orders_queue_url="https://queue", idempotency_table="keys")
    with patch.object(create_order, "FirstAnswers", answers):
        return create_order.build(dynamodb=_client("dynamodb"), sqs=_client("sqs"), settings=settings)


def _client(service: str) -> Any:
    secrets = {"aws_access_key_id": "key", "aws_secret_access_key": "secret"}
    client = boto3.session.Session().client(service, region_name="eu-west-1", **secrets)  # type: ignore[call-overload] # the stubs want each name literal
    client.meta.events.register("before-send", _answer)
    return client


def _answer(request: AWSPreparedRequest, **_: Any) -> AWSResponse:
    target = request.headers["X-Amz-Target"]
    operation = (target.decode() if isinstance(target, bytes) else target).rpartition(".")[2]
    return _Answer(request.url, json.dumps(_ANSWERS.get(operation, {})).encode())


def cpu_seconds(creator: CreateOrder) -> float:
    """Seconds of processor time for one request, out of many."""
    events = [
        api_event("ann", method="POST", headers={"idempotency-key": f"key-{next(_keys)}"}, body=order_body())
        for _ in range(REQUESTS)
    ]
    started = time.process_time()
    for event in events:
        response = creator.handle(event, lambda_context(Clock(time.time()), 10))
        if response["statusCode"] != 202:
            raise AssertionError("a request was not accepted: there is nothing to measure")
    return (time.process_time() - started) / REQUESTS


if __name__ == "__main__":
    logger.setLevel("CRITICAL")
    metrics.__dict__["add_metric"] = lambda **_: None
    bare, whole = endpoint(WithoutIdempotency), endpoint(FirstAnswers)
    compare(
        "processor time of a warm POST",
        {
            "without idempotency (2 calls)": lambda: cpu_seconds(bare),
            "with idempotency (4 calls)": lambda: cpu_seconds(whole),
        },
        rounds=15,
    )
