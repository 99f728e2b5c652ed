"""Tests that the benchmarks can run, and that docs/performance.md has the same rows as their
output. Machines differ, so the tests do not compare figures."""

import re
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore import auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from lab.benchmarks.__main__ import BEGIN, PAGE, figures, table
from lab.benchmarks.hand_signed import Client
from lab.docs import page


def rows(text: str) -> list[list[str]]:
    """Return each row's name, columns and goal, without the figures."""
    cells = [line.strip("| ").split(" | ") for line in text.strip().splitlines() if line.startswith("|")]
    return [[each[0], *(re.sub(r"[\d.,]+", "", value) for value in each[1:-1]), each[-1]] for each in cells[2:]]


@pytest.mark.long
def test_every_figure_of_the_page_can_be_measured_again() -> None:
    # GIVEN the page's table
    text = PAGE.read_text(encoding="utf-8")
    written = text.partition(BEGIN)[2].partition(page.END)[0]

    # WHEN everything is measured once
    found = list(figures(rounds=1))

    # THEN the table has the same rows
    assert rows(written) == rows(table(found))
    # AND every figure is positive
    values = [value for each in found for value in (each.floor, each.bare, each.peer, each.ours) if value is not None]
    assert min(values) > 0


@pytest.mark.parametrize(
    ("service", "operation", "params"),
    [
        ("dynamodb", "GetItem", {"TableName": "orders", "Key": {"order_id": {"S": "é"}}}),
        (
            "sns",
            "Publish",
            {"Message": "a b", "MessageAttributes": {"type": {"DataType": "String", "StringValue": "x"}}},
        ),
    ],
)
def test_our_client_signs_a_request_as_botocore_does(
    service: str, operation: str, params: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN a request that the benchmark's own client signed
    variables = {"AWS_REGION": "eu-west-1", "AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret"}
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    sent: dict[str, Any] = {}

    def send(headers: dict[str, str], body: bytes) -> bytes:
        sent.update(headers=headers, body=body)
        return b"{}"

    Client(service).call(operation, params, send)

    # WHEN botocore signs the same request at the same time
    authorization = sent["headers"].pop("authorization")
    at = datetime.strptime(sent["headers"].pop("x-amz-date"), "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    monkeypatch.setattr(auth, "get_current_datetime", lambda: at)
    request = AWSRequest("POST", f"https://{sent['headers']['host']}/", sent["headers"], sent["body"])
    auth.SigV4Auth(Credentials("key", "secret"), service, "eu-west-1").add_auth(request)

    # THEN
    assert request.headers["Authorization"] == authorization
