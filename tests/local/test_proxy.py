"""Tests the fault proxy. Without a rule it changes nothing. A rule makes only those calls fail that
match the rule."""

import json
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from http.client import HTTPConnection
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError
from hypothesis import given, settings
from hypothesis import strategies as st

from local.proxy.faults import FaultKind, Faults
from local.proxy.server import Proxy
from local.services.aws import Aws
from tests.local.factories import rule
from tests.local.signing import KEYS, gate, signed
from tests.local.upstream import Upstream, proxied

Pair = tuple[Upstream, Proxy]
TARGET = {"X-Amz-Target": "AmazonSQS.SendMessage"}


@pytest.fixture
def faults() -> Faults:
    return Faults()


@pytest.fixture
def pair(faults: Faults) -> Iterator[Pair]:
    with proxied(faults) as both:
        yield both


def connect(proxy: Proxy) -> HTTPConnection:
    return HTTPConnection("127.0.0.1", proxy.port, timeout=5)


def request(connection: HTTPConnection, body: bytes = b"{}", method: str = "POST", **headers: str) -> None:
    url = f"http://127.0.0.1:{connection.port}/"
    connection.request(method, "/", body, signed(method, url, body, {**TARGET, **headers}))


def send(proxy: Proxy, body: bytes = b"{}", **headers: str) -> tuple[int, bytes]:
    connection = connect(proxy)
    try:
        request(connection, body, **headers)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def test_a_request_is_passed_on_unchanged_and_keeps_its_host_header(pair: Pair) -> None:
    # GIVEN a request with headers and a body
    upstream, proxy = pair

    # WHEN it goes through the proxy
    send(proxy, b'{"a": 1}', **{"X-Custom": "Value"})

    # THEN the emulator receives it as it was sent
    _, _, headers, body = upstream.seen[0]
    assert headers["Host"] == f"127.0.0.1:{proxy.port}"
    assert headers["X-Custom"] == "Value"
    assert body == b'{"a": 1}'


def test_connection_is_kept_alive_on_both_sides(pair: Pair) -> None:
    # GIVEN one connection of a client
    upstream, proxy = pair
    connection = connect(proxy)

    # WHEN the client sends three requests
    bodies = []
    for number in range(3):
        request(connection, str(number).encode())
        bodies.append(connection.getresponse().read())
    connection.close()

    # THEN one connection to the emulator was used for all requests
    assert bodies == [b"echo:0", b"echo:1", b"echo:2"]
    assert len(upstream.connections) == 1


def test_many_clients_at_once_get_their_own_answers(pair: Pair) -> None:
    # GIVEN a hundred clients
    _, proxy = pair

    # WHEN they send requests, fifty at the same time
    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(lambda number: send(proxy, str(number).encode()), range(100)))

    # THEN every client gets its own answer
    assert answers == [(200, f"echo:{number}".encode()) for number in range(100)]


@settings(max_examples=15)
@given(body=st.binary(max_size=200_000), chunked=st.booleans())
def test_any_body_is_passed_on_in_both_directions(body: bytes, chunked: bool) -> None:
    # GIVEN any body, and an emulator that answers in chunks or not
    with proxied() as (upstream, proxy):
        upstream.chunked = chunked

        # WHEN a request with this body goes through the proxy
        status, answer = send(proxy, body)

    # THEN the emulator receives the whole body, and the client the whole answer
    assert (status, answer) == (200, b"echo:" + body)


def test_answer_without_body_does_not_block_the_connection(pair: Pair) -> None:
    # GIVEN a HEAD request, whose answer has a length but no body
    _, proxy = pair
    connection = connect(proxy)
    request(connection, b"", "HEAD")
    connection.getresponse().read()

    # WHEN another request follows on the connection
    request(connection, b"next")

    # THEN the other request is answered
    assert connection.getresponse().read() == b"echo:next"
    connection.close()


@pytest.mark.parametrize("kind", [FaultKind.RESET, FaultKind.TIMEOUT])
def test_a_fault_before_the_call_leaves_no_effect(pair: Pair, faults: Faults, kind: FaultKind) -> None:
    # GIVEN a rule that makes calls fail before they reach the emulator
    upstream, proxy = pair
    faults.add(rule(kind=kind))

    # WHEN a call is made
    connection = HTTPConnection("127.0.0.1", proxy.port, timeout=0.5)
    request(connection)
    with pytest.raises((ConnectionResetError, TimeoutError)):
        connection.getresponse()
    connection.close()

    # THEN it does not reach the emulator
    assert upstream.seen == []


def test_a_call_whose_answer_is_lost_still_reaches_the_emulator_once(pair: Pair, faults: Faults) -> None:
    # GIVEN a rule that loses the answer to one call
    upstream, proxy = pair
    faults.add(rule(kind=FaultKind.LOST_ANSWER, count=1))

    # WHEN two calls are made
    with pytest.raises(ConnectionResetError):
        send(proxy, b"first")
    again = send(proxy, b"second")

    # THEN each of the two calls reached the emulator once
    assert [body for *_, body in upstream.seen] == [b"first", b"second"]
    assert again == (200, b"echo:second")


# For each service: an operation, and a function that calls it. The keys are the names that the services have in
# signatures; CloudWatch's is "monitoring".
CALLS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "dynamodb": ("GetItem", lambda client: client.get_item(TableName="t", Key={"id": {"S": "1"}})),
    "sqs": ("SendMessage", lambda client: client.send_message(QueueUrl="http://127.0.0.1/0/q", MessageBody="x")),
    "sns": ("Publish", lambda client: client.publish(TopicArn="arn:aws:sns:us-east-1:0:t", Message="x")),
    "events": (
        "PutEvents",
        lambda client: client.put_events(Entries=[{"Source": "s", "DetailType": "t", "Detail": "{}"}]),
    ),
    "monitoring": (
        "PutMetricData",
        lambda client: client.put_metric_data(Namespace="n", MetricData=[{"MetricName": "m", "Value": 1}]),
    ),
}


def client_of(proxy: Proxy, service: str, attempts: int = 1) -> Any:
    name = "cloudwatch" if service == "monitoring" else service
    make: Any = Aws(proxy.url, "us-east-1", KEYS).session.client
    config = Config(retries={"mode": "standard", "total_max_attempts": attempts}, read_timeout=5)
    return make(name, endpoint_url=proxy.url, config=config)


@pytest.mark.parametrize("service", CALLS)
@pytest.mark.parametrize("kind", [FaultKind.ERROR, FaultKind.THROTTLE])
def test_the_sdk_reads_an_injected_answer_as_an_error_of_the_service(
    pair: Pair, faults: Faults, service: str, kind: FaultKind
) -> None:
    # GIVEN a rule for one operation of a service
    upstream, proxy = pair
    operation, call = CALLS[service]
    faults.add(rule(service=service, operation=operation, kind=kind))

    # WHEN the SDK makes the call
    with pytest.raises(ClientError) as caught:
        call(client_of(proxy, service))

    # THEN it reads the answer as an error code of the service, and the call has no effect
    response = caught.value.response
    assert response["Error"]["Code"] in {
        *("InternalServerError", "InternalError", "InternalFailure"),
        *("ThrottlingException", "RequestThrottled", "Throttled"),
    }
    assert "injected fault" in response["Error"]["Message"]
    assert (response["ResponseMetadata"]["HTTPStatusCode"] == 500) == (kind is FaultKind.ERROR)
    assert upstream.seen == []


@pytest.mark.parametrize("service", ["dynamodb", "sqs", "sns"])
def test_the_sdk_retries_injected_throttling(pair: Pair, faults: Faults, service: str) -> None:
    # GIVEN a rule that throttles twice, and a client with three attempts
    upstream, proxy = pair
    faults.add(rule(service=service, operation=None, kind=FaultKind.THROTTLE, count=2))

    # WHEN a call is made (the SDK may refuse the answer of `upstream`, which is not in the service's format)
    with suppress(BotoCoreError, ResponseParserError, ValueError, AttributeError):
        CALLS[service][1](client_of(proxy, service, attempts=3))

    # THEN the third attempt reaches the emulator
    assert len(upstream.seen) == 1


def test_an_injected_conflict_has_a_reason_for_each_item(pair: Pair, faults: Faults) -> None:
    # GIVEN a rule that makes transactions conflict
    _, proxy = pair
    faults.add(rule(service="dynamodb", operation="TransactWriteItems", kind=FaultKind.CONFLICT))
    put = {"Put": {"TableName": "t", "Item": {"id": {"S": "1"}}}}
    client = client_of(proxy, "dynamodb")

    # WHEN a transaction of two items is sent
    with pytest.raises(ClientError) as caught:
        client.transact_write_items(TransactItems=[put, put])

    # THEN it is cancelled with a reason for each item, as in DynamoDB
    response: Any = caught.value.response
    assert response["Error"]["Code"] == "TransactionCanceledException"
    assert [reason["Code"] for reason in response["CancellationReasons"]] == ["TransactionConflict", "None"]


def test_a_rule_never_applies_to_unsigned_requests(pair: Pair, faults: Faults) -> None:
    # GIVEN a rule
    upstream, proxy = pair
    faults.add(rule(service="sqs", operation=None))

    # WHEN a request without a signature is sent
    connection = connect(proxy)
    connection.request("GET", "/_aws/execute-api/a1b2c3/orders/1")
    connection.getresponse().read()
    connection.close()

    # THEN it reaches the emulator
    assert len(upstream.seen) == 1


def test_the_connection_is_closed_if_no_emulator_listens() -> None:
    # GIVEN a proxy whose emulator does not listen
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    proxy = Proxy(lambda: socket.create_connection(("127.0.0.1", port)), gate())
    proxy.start()

    # WHEN requests are sent
    # THEN the proxy closes each client's connection, and still accepts connections
    for _ in range(2):
        with pytest.raises(OSError, match=r"closed|reset|Remote"):
            send(proxy)
    proxy.stop()


def test_the_connection_stays_open_after_an_injected_answer(pair: Pair, faults: Faults) -> None:
    # GIVEN a rule for one call
    _, proxy = pair
    faults.add(rule(count=1))
    connection = connect(proxy)

    # WHEN two calls are made on one connection
    request(connection)
    first = connection.getresponse()
    code = json.loads(first.read())["__type"]
    request(connection)
    second = connection.getresponse()
    second.read()
    connection.close()

    # THEN the first gets the fault, and the second reaches the emulator
    assert (first.status, code, second.status) == (500, "InternalError", 200)
