"""Tests what the API is put together from: each setting where it belongs, and the platform's own clock and trace."""

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
    """Return what an API with these settings sends to its queue, put together as in a function's process."""
    sqs: Any = Recording()
    endpoint = create_order.build(dynamodb=api.dynamodb, sqs=sqs, settings=api.settings.model_copy(update=settings))
    assert endpoint.handle(post(), context())["statusCode"] == 202
    call: dict[str, Any] = sqs.only
    return call


def test_an_api_that_keeps_order_names_the_caller_s_group(api: Api) -> None:
    # GIVEN an API whose queue keeps order
    # WHEN it takes one
    call = sent(api, orders_queue_fifo=True)
    # THEN the message is in its caller's group, of the queue that was configured
    assert call["MessageGroupId"] == json.loads(call["MessageBody"])["caller"]
    assert call["QueueUrl"] == api.settings.orders_queue_url


def test_an_order_is_accepted_now_and_belongs_to_the_platform_s_trace(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN a process with the platform's clock and trace
    monkeypatch.setenv("_X_AMZN_TRACE_ID", SEGMENT)
    # WHEN it takes an order
    message = json.loads(sent(api)["MessageBody"])
    # THEN it says when, and under which trace
    assert abs(from_timestamp(message["accepted_at"]) - datetime.now(UTC)) < timedelta(minutes=1)
    assert message["traceparent"] == "00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-01"


def test_a_key_is_remembered_as_long_as_configured(api: Api) -> None:
    # GIVEN an API whose keys live a day
    # WHEN an order is posted
    api.post()
    # THEN the record of its key expires then
    (kept,) = api.records()
    assert abs(int(kept["expiration"]["N"]) - time.time() - 86_400) < 60
