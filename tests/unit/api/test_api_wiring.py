"""Tests that the API uses its settings, the system clock and the X-Ray trace of Lambda."""

import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from runtime.handlers import create_order
from runtime.models.fields import from_timestamp
from tests.unit.api.conftest import Api
from tests.unit.api.factories import context, post
from tests.unit.store.clients import Recording

SEGMENT = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"


def sent(api: Api, **settings: Any) -> dict[str, Any]:
    """Build an API with these settings, as the Lambda function does, and post an order.

    Return the call that sends the order to the queue.
    """
    sqs: Any = Recording()
    endpoint = create_order.build(dynamodb=api.dynamodb, sqs=sqs, settings=api.settings.model_copy(update=settings))
    assert endpoint.handle(post(), context())["statusCode"] == 202
    call: dict[str, Any] = sqs.only
    return call


def test_an_api_with_a_fifo_queue_sends_orders_in_their_callers_group(api: Api) -> None:
    # GIVEN an API with a FIFO queue
    # WHEN it accepts an order
    call = sent(api, orders_queue_fifo=True)
    # THEN the message is in its caller's group, in the configured queue
    assert call["MessageGroupId"] == json.loads(call["MessageBody"])["caller"]
    assert call["QueueUrl"] == api.settings.orders_queue_url


def test_an_order_has_the_current_time_and_the_x_ray_trace_of_lambda(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN a process with the system clock and an X-Ray trace of Lambda
    monkeypatch.setenv("_X_AMZN_TRACE_ID", SEGMENT)
    # WHEN it accepts an order
    message = json.loads(sent(api)["MessageBody"])
    # THEN the message has this time and this trace
    assert abs(from_timestamp(message["accepted_at"]) - datetime.now(UTC)) < timedelta(minutes=1)
    assert message["traceparent"] == "00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-01"


def test_the_record_of_a_key_expires_after_the_configured_time(api: Api) -> None:
    # GIVEN an API whose keys expire after a day
    # WHEN an order is posted
    api.post()
    # THEN the record of its key expires after a day
    (kept,) = api.records()
    assert abs(int(kept["expiration"]["N"]) - time.time() - 86_400) < 60
