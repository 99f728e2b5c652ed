"""Tests the load test: what it refuses, what its clients do, and which broken promises it finds."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast
from unittest.mock import Mock

import pytest

from lab.simulation.clock import Clock
from ops.cli.load import Plan
from ops.errors import ExitCode, OpsError
from ops.gateway.orders import Orders
from ops.load.clients import Habits, PlannedOrder, RetryingClients, Traffic
from ops.load.verdict import Watch, judge_load, spread
from ops.logic.case import Facts
from ops.logic.stored import read_row
from tests.ops.factories import ORDER_ID, OTHER_ID, good_row
from tests.ops.mock_stack import MockStack
from tests.ops.test_without_yes import CommandRunner, runner, stack

__all__ = ["runner", "stack"]

LATE, IN_TIME = "2026-01-01T00:02:00.000Z", "2026-01-01T00:00:02.000Z"


def test_a_client_that_loses_its_network_resets_the_connection() -> None:
    # GIVEN an open connection
    with socket.create_server(("127.0.0.1", 0)) as server:
        connection = HTTPConnection(*server.getsockname())
        connection.connect()
        accepted, _ = server.accept()
        accepted.settimeout(10)
        with accepted:
            # WHEN the client loses its network
            RetryingClients._reset(Mock(), connection)
            # THEN the server receives a reset, not an orderly close
            with pytest.raises(ConnectionResetError):
                accepted.recv(1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param((), "--in-production", id="production without --in-production"),
        pytest.param(("--in-production", "--orders", "1000000"), "--spend-at-most", id="too many orders"),
        pytest.param(("--in-production", "--spend-at-most", "0.0001"), "--orders", id="the limit of costs is too low"),
    ],
)
def test_a_load_that_is_not_allowed_is_refused_before_the_first_order(
    runner: CommandRunner, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], message: str
) -> None:
    # GIVEN a production stack
    # WHEN
    code = runner.run("load", *arguments, "--yes")
    # THEN
    assert (code, runner.made) == (ExitCode.REFUSED, [])
    assert message in capsys.readouterr().err


def test_a_load_with_a_failed_check_fails(runner: CommandRunner, capsys: pytest.CaptureFixture[str]) -> None:
    # GIVEN an API that cannot be reached
    # WHEN
    code = runner.run("load", "--orders", "1", "--within", "1s", "--in-production", "--json", "--yes")
    # THEN
    findings = json.loads(capsys.readouterr().out)["report"]["findings"]
    assert (code, [each["promise"] for each in findings if not each["ok"]]) == (ExitCode.FAILED, ["accepted"])


def test_each_order_is_for_one_unit_of_one_article() -> None:
    # GIVEN a plan of three orders, with two articles to choose from
    plan = Plan(3, 1.0, 1, ("A", "B"), Decimal(0), Decimal(1), 10)

    # WHEN its orders are made
    orders = plan.all_orders("run")

    # THEN the articles alternate, and each order takes one unit
    lines = [order.body["lines"] for order in orders]
    assert [(line["sku"], line["quantity"]) for (line,) in lines] == [("A", 1), ("B", 1), ("A", 1)]


def test_the_estimated_cost_includes_the_reads_of_the_audit(
    runner: CommandRunner, stack: MockStack, capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN an orders table that is first empty, and then has one order
    costs = []
    for order_id in (None, ORDER_ID):
        if order_id:
            stack.put_order(good_row(order_id))
        # WHEN
        runner.run("load", "--in-production", "--json", "--orders", "1")
        costs.append(json.loads(capsys.readouterr().out)["about_usd"])
    # THEN the second estimate is higher by the price of three read units
    assert costs[1] - costs[0] == pytest.approx(3 * 0.125e-6)


class Api(BaseHTTPRequestHandler):
    """An API that answers with `answer`, counts the requests with each key, and lists the connections."""

    protocol_version = "HTTP/1.1"
    answer: Callable[[str, int], tuple[int, str]]
    seen: dict[str, int]
    connections: list[Any]

    def setup(self) -> None:
        self.connections.append(self.client_address)
        super().setup()

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        key = self.headers["Idempotency-Key"]
        self.seen[key] = self.seen.get(key, 0) + 1
        status, text = type(self).answer(key, self.seen[key])
        body = json.dumps({"order_id": text}).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Log nothing."""


@pytest.fixture
def api() -> Iterator[Callable[..., tuple[str, type[Api]]]]:
    """Provide a function that starts an API, and returns its URL and its handler class."""
    servers: list[ThreadingHTTPServer] = []

    def start(answer: Callable[[str, int], tuple[int, str]]) -> tuple[str, type[Api]]:
        handler = type("Handler", (Api,), {"answer": staticmethod(answer), "seen": {}, "connections": []})
        servers.append(ThreadingHTTPServer(("127.0.0.1", 0), handler))
        servers[-1].daemon_threads = True
        threading.Thread(target=servers[-1].serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{servers[-1].server_port}", cast("type[Api]", handler)

    yield start
    for each in servers:
        each.shutdown()
        each.server_close()


def test_clients_send_at_the_given_rate_and_retry_until_202(api: Any) -> None:
    # GIVEN an API that answers each key with 503 at first, and clients that repeat every accepted order once
    url, seen = api(lambda key, times: (503, "") if times == 1 else (202, key))
    clients = RetryingClients(url, {"": None}, 4, Habits(repeats_accepted=1.0))
    # WHEN
    started = time.monotonic()
    clients.send([PlannedOrder("", f"key-{number}", {}) for number in range(8)], per_second=20)
    # THEN sending took at least 7/20 s, because the last of the 8 orders is due 7/20 s after the first. Each key was
    # sent three times: one answer was 503, and the two 202 answers were equal
    assert time.monotonic() - started >= 7 / 20
    assert clients.traffic.offered_seconds >= 7 / 20
    assert set(seen.seen.values()) == {3}
    assert {len(bodies) for bodies in clients.traffic.answers.values()} == {1}
    assert len(seen.connections) <= 4


def test_clients_stop_at_a_refusal_or_limit_or_timeout_or_interrupt(api: Any) -> None:
    # GIVEN an API that requires a token, and one that always answers 503
    refusing_api, seen = api(lambda *_: (401, ""))
    failing_api, _ = api(lambda *_: (503, ""))
    planned_orders = [PlannedOrder("", f"key-{number}", {}) for number in range(50)]
    # WHEN / THEN the first API refuses the orders, and the clients stop early
    with pytest.raises(OpsError, match="refused with 401"):
        RetryingClients(refusing_api, {"": None}, 1, Habits()).send(planned_orders, per_second=50)
    assert len(seen.seen) < len(planned_orders)
    # WHEN / THEN the second API gets only three requests, which is the limit
    limited = RetryingClients(failing_api, {"": None}, 1, Habits(), most_requests=3)
    with pytest.raises(OpsError, match="Ended after 3 requests"):
        limited.send(planned_orders[:2])
    # WHEN / THEN the second API accepts nothing, so the client abandons the order after 0.2 s
    impatient = RetryingClients(failing_api, {"": None}, 1, Habits(), patience=0.2)
    started = time.monotonic()
    impatient.send(planned_orders[:1])
    assert 0.2 < time.monotonic() - started < 4
    assert (impatient.traffic.answers, impatient.traffic.first_requests) == ({}, 1)
    # WHEN / THEN clients that are interrupted leave no thread, and stop early
    working_api, _ = api(lambda key, _: (202, key))
    interrupted = RetryingClients(working_api, {"": None}, 1, Habits())
    with pytest.raises(KeyboardInterrupt):
        interrupted.send(planned_orders * 10, note=Mock(side_effect=KeyboardInterrupt))
    assert not [each.name for each in threading.enumerate() if each.name.startswith("client")]
    assert interrupted.traffic.first_requests < 10 * len(planned_orders)


class Stored:
    """An orders table that contains only these orders, settled at these times."""

    def __init__(self, settled: dict[str, str]) -> None:
        self._settled = settled

    def facts(self, order_ids: set[str]) -> Facts:
        found = {
            order_id: read_row(good_row(order_id, status={"S": "CONFIRMED"}, settled_at={"S": at}))
            for order_id, at in self._settled.items()
            if order_id in order_ids
        }
        return Facts(cast("Any", found), {}, frozenset(found))


@pytest.mark.parametrize(
    ("answers", "settled", "offered", "broken"),
    [
        pytest.param([(0, ORDER_ID), (0, ORDER_ID)], {ORDER_ID: IN_TIME}, 0, [], id="no mistake"),
        pytest.param([(0, ORDER_ID)], {ORDER_ID: IN_TIME}, 2, ["offered"], id="offered too slowly"),
        pytest.param([], {}, 0, ["accepted"], id="never accepted"),
        pytest.param([(0, ORDER_ID)], {}, 0, ["settled and published within 60 s"], id="never settled"),
        pytest.param(
            [(0, ORDER_ID)], {ORDER_ID: LATE}, 0, ["settled and published within 60 s"], id="later than promised"
        ),
        pytest.param(
            [(0, ORDER_ID), (0, OTHER_ID)],
            {ORDER_ID: IN_TIME, OTHER_ID: IN_TIME},
            0,
            ["same bytes", "one order per key"],
            id="two orders for one key",
        ),
    ],
)
def test_each_broken_promise_of_a_run_is_found(
    answers: list[tuple[int, str]], settled: dict[str, str], offered: float, broken: list[str]
) -> None:
    # GIVEN the answers to a run that should send one order within a second
    traffic, clock = Traffic(), Clock()
    traffic.begun(offered)
    for key, order_id in answers:
        traffic.answered(PlannedOrder("", str(key), {}), 202, json.dumps({"order_id": order_id}).encode())
    watch = Watch(cast("Orders", Stored(settled)), clock, {order_id for _, order_id in answers})
    # WHEN the order is watched for a minute, and the run is judged
    list(watch.until(clock.time() + 60))
    found = judge_load(traffic, watch, 1, 1.0, 60)
    # THEN
    assert [each.promise for each in found if not each.ok] == broken


def test_percentiles_are_not_interpolated() -> None:
    # GIVEN 100, 3, 1 or 0 durations / WHEN / THEN each percentile is one of the durations, or `None` without durations
    assert spread(range(1, 101)) == {"p50": 50, "p95": 95, "p99": 99, "max": 100}
    assert spread([3, 1, 2])["p50"] == 2
    assert set(spread([2.5]).values()) == {2.5}
    assert set(spread([]).values()) == {None}
