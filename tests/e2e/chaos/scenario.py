"""One run: stock, clients, storm, calm, redrive, count."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from local.client import LocalStack
from local.demo.account import Account, wait_for
from local.demo.audit import Evidence, Finding, gather
from local.demo.http import order
from local.errors import LocalError
from local.instance import ROOT
from local.proxy.faults import FaultKind
from tests.e2e.chaos import verdict
from tests.e2e.chaos.clients import BlindClients, Habits, Traffic, Wish
from tests.e2e.chaos.storm import POISON, Storm
from tests.e2e.chaos.verdict import Numbers, Verdict

_WARM_WORKERS = 4
CONFIG = {
    # What a killed worker held comes back after half a minute: the least that six times the worker's time allows.
    "worker_timeout_seconds": "5",
    "item_budget_seconds": "3",
    "time_margin_seconds": "1",
    "batch_size": "5",
    "batch_threads": "5",
    "queue_visibility_seconds": "30",
    # Kills, the outage and bad luck together cost an innocent message some six receives.
    "max_receive_count": "10",
    "retry_base_seconds": "1",
    "retry_cap_seconds": "3",
    # No more than are warm: beyond that many at once Lambda throttles, and clients repeat. Without it every connection
    # that breaks would cost a cold start, and the machine would do nothing else.
    "api_reserved_concurrency": str(_WARM_WORKERS),
    "worker_max_concurrency": "2",
}
_SKUS = tuple(f"SKU-{number}" for number in range(6))
_SCARCE = "SKU-SCARCE"
# Every so many-th order wants the scarce article, of which there is one for every second that wants it.
_SCARCE_EVERY = 8
_CALM_SECONDS = 300.0
_REDRIVE_SECONDS = 120


@dataclass(frozen=True)
class Plan:
    """How much of everything."""

    orders: int
    clients: int
    kills: int
    outage_seconds: float
    poisonous: int = 2
    """Orders that fail until the storm is over, so that there is something to redrive."""


@contextmanager
def chaos_stack(state_dir: Path) -> Iterator[LocalStack]:
    """A stack of its own, set up so that what takes minutes in production takes seconds."""
    with LocalStack.started(state_dir, warm_workers=_WARM_WORKERS, config=CONFIG) as stack:
        yield stack


def run(stack: LocalStack, plan: Plan) -> Verdict:
    """Let it happen, count when everything has come to rest. Raises `LocalError` when it never does."""
    started = time.monotonic()
    account = Account(stack)
    account.keep_events()
    account.set_stock(_stock(plan))
    clients = BlindClients(stack.outputs["api_url"], plan.clients, Habits())
    storm = Storm(stack, plan.kills, plan.outage_seconds)
    with storm.raging():
        clients.send(_wishes(plan))
    # Poisonous orders are still failing: wait until they have used up their receives, and all others are done.
    wait_for("the orders queue to be empty", lambda: account.waiting() == 0, _CALM_SECONDS)
    dead = {letter.message["MessageId"] for letter in account.dead_letters()}
    storm.over()
    redriven = _redrive(stack)
    wait_for("the redriven orders to be settled", lambda: account.waiting() == 0, _CALM_SECONDS)
    evidence = gather(account)
    numbers = _numbers(plan, clients.traffic, storm, evidence, (len(dead), redriven), time.monotonic() - started)
    found = [*verdict.findings(evidence, dead), _same_bytes(clients.traffic)]
    return Verdict(numbers, found, _weak(plan, numbers, evidence))


def _stock(plan: Plan) -> dict[str, int]:
    plenty = 4 * plan.orders
    return dict.fromkeys(_SKUS, plenty) | {_SCARCE: plan.orders // _SCARCE_EVERY // 2, POISON: plenty}


def _wishes(plan: Plan) -> list[Wish]:
    """The poisonous orders first, as they take longest."""
    return [Wish(f"chaos-{number}", order(*_lines(plan, number))) for number in range(plan.orders)]


def _lines(plan: Plan, number: int) -> list[tuple[str, int]]:
    if number < plan.poisonous:
        return [(POISON, 1)]
    if number % _SCARCE_EVERY == 0:
        return [(_SCARCE, 1)]
    first, second = number % len(_SKUS), (number + 1) % len(_SKUS)
    return [(_SKUS[first], 1 + number % 3), *([(_SKUS[second], 1)] if number % 2 else [])]


def _redrive(stack: LocalStack) -> int:
    """Send everything in the dead-letter queue back, by the command that people on call type; how many it says."""
    command = [sys.executable, "-m", "ops", "dlq", "redrive", "--local", "--yes", "--json"]
    command += ["--state-dir", str(stack.state.path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=_REDRIVE_SECONDS, check=False)
    if done.returncode:
        raise LocalError(f"The redrive failed: {done.stderr.strip()}")
    return int(json.loads(done.stdout)["redriven"])


def _same_bytes(traffic: Traffic) -> Finding:
    """G3 as the clients saw it: whatever they did, each key got one answer."""
    answers = traffic.statuses[202]
    violations = [
        f"{key} got {len(bodies)} different answers" for key, bodies in traffic.answers.items() if len(bodies) > 1
    ]
    return Finding("G3", "same bytes", f"{answers} answers 202 read for {len(traffic.answers)} keys", violations)


def _numbers(
    plan: Plan, traffic: Traffic, storm: Storm, evidence: Evidence, dead: tuple[int, int], seconds: float
) -> Numbers:
    statuses = [row["status"] for row in evidence.orders.values()]
    dead_lettered, redriven = dead
    return Numbers(
        orders=plan.orders,
        clients=plan.clients,
        requests=traffic.requests,
        retries=traffic.requests - traffic.first_requests,
        client_resets=traffic.broken_midway,
        client_lost_answers=traffic.lost_answers,
        dependency_resets=storm.hits[FaultKind.RESET],
        dependency_lost_answers=storm.hits[FaultKind.LOST_ANSWER],
        throttles=storm.hits[FaultKind.THROTTLE],
        conflicts=storm.hits[FaultKind.CONFLICT],
        errors=storm.hits[FaultKind.ERROR],
        kills=storm.rounds,
        killed_workers=storm.killed,
        cut_short=verdict.cut_short(evidence),
        redelivered=verdict.redelivered(evidence),
        messages=verdict.messages(evidence),
        dead_lettered=dead_lettered,
        redriven=redriven,
        confirmed=statuses.count("CONFIRMED"),
        rejected=statuses.count("REJECTED"),
        lost=verdict.lost(evidence, traffic.order_ids, plan.orders),
        doubled=verdict.doubled(evidence, plan.orders),
        seconds=round(seconds, 1),
    )


def _weak(plan: Plan, numbers: Numbers, evidence: Evidence) -> list[str]:
    happened = {
        f"{plan.kills} kills": numbers.kills == plan.kills,
        "kills that hit running batches": numbers.cut_short > 0,
        "throttled calls": numbers.throttles > 0,
        "resets and lost answers, of clients and of functions": all(
            (numbers.client_resets, numbers.client_lost_answers, numbers.dependency_resets)
        )
        and numbers.dependency_lost_answers > 0,
        "stock that runs out": numbers.rejected > 0 and int(evidence.stock[_SCARCE]["available"]) == 0,
        # More than the poisonous ones may die where a starved machine lets calls time out; none may stay dead.
        f"{plan.poisonous} dead letters or more, all redriven": plan.poisonous <= numbers.dead_lettered
        and numbers.dead_lettered == numbers.redriven,
    }
    return [f"not seen: {what}" for what, seen in happened.items() if not seen]
