"""One run: sets stock, gets tokens, sends orders during faults and kills, redrives, and checks the guarantees."""

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from pathlib import Path

from lab.chaos import verdict
from lab.chaos.orders import token_of
from lab.chaos.storm import POISON, Storm
from lab.chaos.verdict import Numbers, Verdict
from local.client import LocalStack
from local.demo import callers
from local.demo.account import Account, DeadLetter, wait_for
from local.demo.audit import Evidence, gather
from local.demo.callers import Lookup
from local.demo.http import OrdersApi, order
from local.errors import LocalError
from local.proxy.faults import FaultKind
from ops.gateway.http import Answer, bearer
from ops.load.clients import Habits, PlannedOrder, RetryingClients, Traffic
from ops.load.verdict import same_bytes

_WARM_WORKERS = 4
CONFIG = {
    # The queue's visibility timeout must be six worker timeouts or more. With this short worker timeout, a killed
    # worker's messages become visible again after half a minute.
    "worker_timeout_seconds": "5",
    "item_budget_seconds": "3",
    "time_margin_seconds": "1",
    "batch_size": "5",
    "batch_threads": "5",
    "queue_visibility_seconds": "30",
    # Kills, the outage and random faults together use up about six receives of an ordinary message.
    "max_receive_count": "10",
    "retry_base_seconds": "1",
    "retry_cap_seconds": "3",
    # Equals the number of warm processes of each function. Lambda throttles further requests, and clients repeat them.
    # Without this limit, every broken connection would cause a cold start, and cold starts would use up the processor.
    "api_reserved_concurrency": str(_WARM_WORKERS),
    "worker_max_concurrency": "2",
}
_HABITS = Habits(breaks_midway=0.07, loses_answer=0.10, repeats_accepted=0.2)
_SKUS = tuple(f"SKU-{number}" for number in range(6))
SCARCE = "SKU-SCARCE"
# The orders of every eighth key are for the scarce article. Its stock is enough for half of these orders.
_SCARCE_EVERY = 8
_UNKNOWN_ORDER = "00000000-0000-5000-8000-000000000000"
_WAIT_SECONDS = 300.0


@dataclass(frozen=True)
class Plan:
    """Sizes of a run."""

    orders: int
    clients: int
    kills: int
    outage_seconds: float
    callers: int = 4
    """Number of callers. All use the same keys and bodies, so each key has this many orders."""
    poisonous: int = 1
    """Number of keys whose orders fail until the storm is over, so that some messages can be redriven."""

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of the callers."""
        return tuple(f"caller-{number}" for number in range(self.callers))

    @property
    def dead_letters(self) -> int:
        """Return the number of orders that fail: each caller sends one with each poisonous key."""
        return self.poisonous * self.callers


@contextmanager
def chaos_stack(state_dir: Path, plan: Plan) -> Iterator[LocalStack]:
    """Start a stack with the plan's callers, and with timeouts and pauses of seconds instead of minutes."""
    config = CONFIG | {"authorizer": "cognito", "token_clients": json.dumps(plan.names)}
    with LocalStack.started(state_dir, warm_workers=_WARM_WORKERS, config=config) as stack:
        yield stack


def run(stack: LocalStack, plan: Plan) -> Verdict:
    """Run the plan. After all messages are processed, check whether the guarantees held.

    Raises `LocalError` if the processing takes too long.
    """
    started = time.monotonic()
    account = Account(stack)
    account.keep_events()
    account.set_stock(_stock(plan))
    tokens = _tokens(stack, plan)
    clients = RetryingClients(stack.outputs["api_url"], tokens, plan.clients, _HABITS)
    storm = Storm(stack, plan.kills, plan.outage_seconds)
    with storm.running():
        clients.send(planned_orders(plan))
    # Poisonous orders still fail. Wait until they have used up their receives and all other orders are processed.
    wait_for("the orders queue to be empty", lambda: account.waiting() == 0, _WAIT_SECONDS)
    letters = account.dead_letters()
    storm.end_all_faults()
    printed = stack.redrive("--json", by="storm", reason="the storm is over")
    redriven = int(json.loads(printed)["redriven"])
    wait_for("the redriven orders to be settled", lambda: account.waiting() == 0, _WAIT_SECONDS)
    evidence = gather(account)
    numbers = counted(plan, clients.traffic, storm, evidence, (letters, redriven), time.monotonic() - started)
    seen = callers.look_up_all(evidence.orders, _lookups(stack, tokens, clients.traffic))
    dead = {letter.message["MessageId"] for letter in letters}
    found = [*verdict.findings(evidence, dead), same_bytes(clients.traffic), callers.isolation(seen)]
    return Verdict(numbers, found, missing_situations(plan, numbers, evidence))


def _stock(plan: Plan) -> dict[str, int]:
    plenty = 4 * plan.orders
    scarce = sum(line["sku"] == SCARCE for planned in planned_orders(plan) for line in planned.body["lines"])
    return dict.fromkeys(_SKUS, plenty) | {SCARCE: scarce // 2, POISON: plenty}


def planned_orders(plan: Plan) -> list[PlannedOrder]:
    """Return the orders to send, key after key: all callers use the same key at about the same time.

    Poisonous orders come first, because they take longest.
    """
    numbers = [(number // plan.callers, plan.names[number % plan.callers]) for number in range(plan.orders)]
    return [PlannedOrder(caller, f"chaos-{key}", order(*_lines(plan, key))) for key, caller in numbers]


def _lines(plan: Plan, key: int) -> list[tuple[str, int]]:
    if key < plan.poisonous:
        return [(POISON, 1)]
    if key % _SCARCE_EVERY == 0:
        return [(SCARCE, 1)]
    first, second = key % len(_SKUS), (key + 1) % len(_SKUS)
    return [(_SKUS[first], 1 + key % 3), *([(_SKUS[second], 1)] if key % 2 else [])]


def _tokens(stack: LocalStack, plan: Plan) -> dict[str, str]:
    """Return the token of each caller, after one request with each token.

    The first request makes the emulator fetch the issuer's keys. If all clients began at once, the fetch would take too
    long, and the emulator would answer 401.
    """
    api, tokens = OrdersApi(stack.outputs["api_url"]), {name: token_of(stack, name) for name in plan.names}
    for name, token in tokens.items():
        answer = api.call("GET", f"/orders/{_UNKNOWN_ORDER}", headers=bearer(token))
        if answer.status != HTTPStatus.NOT_FOUND:
            raise LocalError(f"The API should accept the token of {name}, but answered {answer.status}.")
    return tokens


def _lookups(stack: LocalStack, tokens: Mapping[str, str], traffic: Traffic) -> list[Lookup]:
    """Return one look-up for each caller, with its token, and one without a token."""
    api = OrdersApi(stack.outputs["api_url"])

    def look_up(token: str, order_id: str) -> Answer:
        return api.call("GET", f"/orders/{order_id}", headers=bearer(token))

    return [
        Lookup(callers.ANONYMOUS, api.get, set(), HTTPStatus.UNAUTHORIZED),
        *(Lookup(name, partial(look_up, token), traffic.order_ids_of(name)) for name, token in tokens.items()),
    ]


def counted(
    plan: Plan, traffic: Traffic, storm: Storm, evidence: Evidence, dead: tuple[list[DeadLetter], int], seconds: float
) -> Numbers:
    """Return the numbers of the run."""
    statuses = [row["status"] for row in evidence.orders.values()]
    letters, redriven = dead
    return {
        "orders": plan.orders,
        "clients": plan.clients,
        # Callers with at least one answer 202.
        "callers": len({caller for caller, _ in traffic.answers}),
        # Keys for which several callers got 202.
        "shared_keys": traffic.shared_keys,
        # Keys that several callers used in concurrent requests.
        "contended_keys": len(traffic.contended),
        "requests": traffic.requests,
        # Requests beyond the first for each order.
        "retries": traffic.requests - traffic.first_requests,
        # Connections that clients broke in the middle of a request.
        "client_resets": traffic.broken_midway,
        # Connections that clients broke before they read the answer.
        "client_lost_answers": traffic.lost_answers,
        "dependency_resets": storm.hits[FaultKind.RESET],
        "dependency_lost_answers": storm.hits[FaultKind.LOST_ANSWER],
        "throttles": storm.hits[FaultKind.THROTTLE],
        "conflicts": storm.hits[FaultKind.CONFLICT],
        # Calls that the injected fault refused because they were for a poisonous order.
        "errors": storm.hits[FaultKind.ERROR],
        # How many times the queue's workers were killed with SIGKILL while a batch was running.
        "kills": storm.rounds,
        "killed_workers": storm.killed,
        # Receives whose worker died before it logged their outcome.
        "cut_short": verdict.cut_short(evidence),
        # Receives beyond the first of each message.
        "redelivered": verdict.redelivered(evidence),
        # Distinct messages. A repeated send or a redrive makes another message for the same order,
        # so there can be more messages than orders.
        "messages": verdict.messages(evidence),
        # Messages, not orders: an order whose send was repeated can have several dead letters.
        "dead_lettered": len(letters),
        "dead_orders": len({letter.order_id for letter in letters}),
        # Dead letters of orders that were not meant to fail.
        "innocent_dead": verdict.unexpectedly_dead(evidence, letters, POISON),
        "redriven": redriven,
        "confirmed": statuses.count("CONFIRMED"),
        "rejected": statuses.count("REJECTED"),
        "lost": verdict.lost(evidence, traffic.order_ids, plan.orders),
        "doubled": verdict.doubled(evidence, plan.orders),
        # The run's duration until all messages were processed, without the look-ups afterwards.
        "seconds": round(seconds, 1),
    }


def missing_situations(plan: Plan, numbers: Numbers, evidence: Evidence) -> list[str]:
    """Return the situations that this run should have had, but did not have."""
    happened = {
        f"{plan.kills} kills": numbers["kills"] == plan.kills,
        "kills that hit running batches": numbers["cut_short"] > 0,
        "throttled calls": numbers["throttles"] > 0,
        "resets and lost answers, on connections of clients and of functions": all(
            (numbers["client_resets"], numbers["client_lost_answers"], numbers["dependency_resets"])
        )
        and numbers["dependency_lost_answers"] > 0,
        "stock that runs out": numbers["rejected"] > 0 and int(evidence.stock[SCARCE]["available"]) == 0,
        # Other messages may become dead letters too, when calls time out on a slow machine. All must be redriven.
        f"{plan.dead_letters} dead letters or more, all redriven": plan.dead_letters <= numbers["dead_lettered"]
        and numbers["dead_lettered"] == numbers["redriven"],
        "keys that callers share": numbers["shared_keys"] > 0,
    }
    return [f"not seen: {what}" for what, seen in happened.items() if not seen]
