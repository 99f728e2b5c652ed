"""One run: stock, callers, clients, storm, calm, redrive, count."""

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
from local.demo.callers import Door
from local.demo.http import OrdersApi, order
from local.errors import LocalError
from local.proxy.faults import FaultKind
from ops.gateway.http import Answer, bearer
from ops.load.clients import BlindClients, Habits, Traffic, Wish
from ops.load.verdict import same_bytes

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
STORMY = Habits(breaks_midway=0.07, loses_answer=0.10, asks_again=0.2)
_SKUS = tuple(f"SKU-{number}" for number in range(6))
SCARCE = "SKU-SCARCE"
# The orders of every so many-th key want the scarce article, of which there is one for every second that wants it.
_SCARCE_EVERY = 8
_NOBODYS = "00000000-0000-5000-8000-000000000000"
_CALM_SECONDS = 300.0


@dataclass(frozen=True)
class Plan:
    """Sizes of a run."""

    orders: int
    clients: int
    kills: int
    outage_seconds: float
    callers: int = 4
    """Callers who all come up with the same keys and bodies: so many orders for each key."""
    poisonous: int = 1
    """Keys whose orders fail until the storm is over, so that there is something to redrive."""

    @property
    def names(self) -> tuple[str, ...]:
        """The callers."""
        return tuple(f"caller-{number}" for number in range(self.callers))

    @property
    def dead_letters(self) -> int:
        """Orders that fail: one of each caller for each poisonous key."""
        return self.poisonous * self.callers


@contextmanager
def chaos_stack(state_dir: Path, plan: Plan) -> Iterator[LocalStack]:
    """A stack of its own that knows the callers, set up so that what takes minutes in production takes seconds."""
    config = CONFIG | {"authorizer": "cognito", "token_clients": json.dumps(plan.names)}
    with LocalStack.started(state_dir, warm_workers=_WARM_WORKERS, config=config) as stack:
        yield stack


def run(stack: LocalStack, plan: Plan) -> Verdict:
    """Let it happen, count when everything has come to rest. Raises `LocalError` when it never does."""
    started = time.monotonic()
    account = Account(stack)
    account.keep_events()
    account.set_stock(_stock(plan))
    tokens = _tokens(stack, plan)
    clients = BlindClients(stack.outputs["api_url"], tokens, plan.clients, STORMY)
    storm = Storm(stack, plan.kills, plan.outage_seconds)
    with storm.raging():
        clients.send(wishes(plan))
    # Poisonous orders are still failing: wait until they have used up their receives, and all others are done.
    wait_for("the orders queue to be empty", lambda: account.waiting() == 0, _CALM_SECONDS)
    letters = account.dead_letters()
    storm.over()
    printed = stack.redrive("--json", by="storm", reason="the storm is over")
    redriven = int(json.loads(printed)["redriven"])
    wait_for("the redriven orders to be settled", lambda: account.waiting() == 0, _CALM_SECONDS)
    evidence = gather(account)
    numbers = counted(plan, clients.traffic, storm, evidence, (letters, redriven), time.monotonic() - started)
    seen = callers.look(evidence.orders, _doors(stack, tokens, clients.traffic))
    dead = {letter.message["MessageId"] for letter in letters}
    found = [*verdict.findings(evidence, dead), same_bytes(clients.traffic), callers.isolation(seen)]
    return Verdict(numbers, found, weak(plan, numbers, evidence))


def _stock(plan: Plan) -> dict[str, int]:
    plenty = 4 * plan.orders
    scarce = sum(line["sku"] == SCARCE for wish in wishes(plan) for line in wish.body["lines"])
    return dict.fromkeys(_SKUS, plenty) | {SCARCE: scarce // 2, POISON: plenty}


def wishes(plan: Plan) -> list[Wish]:
    """Return what is ordered, one key after the other by all callers at about the same time.

    The poisonous ones are first, as they take longest.
    """
    numbers = [(number // plan.callers, plan.names[number % plan.callers]) for number in range(plan.orders)]
    return [Wish(caller, f"chaos-{key}", order(*_lines(plan, key))) for key, caller in numbers]


def _lines(plan: Plan, key: int) -> list[tuple[str, int]]:
    if key < plan.poisonous:
        return [(POISON, 1)]
    if key % _SCARCE_EVERY == 0:
        return [(SCARCE, 1)]
    first, second = key % len(_SKUS), (key + 1) % len(_SKUS)
    return [(_SKUS[first], 1 + key % 3), *([(_SKUS[second], 1)] if key % 2 else [])]


def _tokens(stack: LocalStack, plan: Plan) -> dict[str, str]:
    """Of each caller the token, shown once while it is calm: the first makes the emulator fetch the issuer's keys.

    It gives that seconds, in the rush of all clients at once too few, and says 401 then.
    """
    api, tokens = OrdersApi(stack.outputs["api_url"]), {name: token_of(stack, name) for name in plan.names}
    for name, token in tokens.items():
        answer = api.call("GET", f"/orders/{_NOBODYS}", headers=bearer(token))
        if answer.status != HTTPStatus.NOT_FOUND:
            raise LocalError(f"The token of {name} should open the API, and was answered {answer.status}.")
    return tokens


def _doors(stack: LocalStack, tokens: Mapping[str, str], traffic: Traffic) -> list[Door]:
    """The callers with their tokens, and somebody who has none."""
    api = OrdersApi(stack.outputs["api_url"])

    def look_up(token: str, order_id: str) -> Answer:
        return api.call("GET", f"/orders/{order_id}", headers=bearer(token))

    return [
        Door(callers.EVERYBODY, api.get, set(), HTTPStatus.UNAUTHORIZED),
        *(Door(name, partial(look_up, token), traffic.told(name)) for name, token in tokens.items()),
    ]


def counted(
    plan: Plan, traffic: Traffic, storm: Storm, evidence: Evidence, dead: tuple[list[DeadLetter], int], seconds: float
) -> Numbers:
    """Return what happened in the run."""
    statuses = [row["status"] for row in evidence.orders.values()]
    letters, redriven = dead
    return {
        "orders": plan.orders,
        "clients": plan.clients,
        # Callers who were answered 202.
        "callers": len({caller for caller, _ in traffic.answers}),
        # Keys under which several callers were answered 202.
        "shared_keys": traffic.shared_keys,
        # Keys that requests of several callers were under way with at once.
        "contended_keys": len(traffic.contended),
        "requests": traffic.requests,
        # Requests beyond one for each order.
        "retries": traffic.requests - traffic.first_requests,
        # Connections that clients broke in the middle of a request.
        "client_resets": traffic.broken_midway,
        # Connections that clients broke before they read the answer.
        "client_lost_answers": traffic.lost_answers,
        "dependency_resets": storm.hits[FaultKind.RESET],
        "dependency_lost_answers": storm.hits[FaultKind.LOST_ANSWER],
        "throttles": storm.hits[FaultKind.THROTTLE],
        "conflicts": storm.hits[FaultKind.CONFLICT],
        # Calls of a poisonous order that AWS refused.
        "errors": storm.hits[FaultKind.ERROR],
        # Times at which the queue's workers were killed with SIGKILL while a batch was running.
        "kills": storm.rounds,
        "killed_workers": storm.killed,
        # Receives whose worker died before it could say anything about them.
        "cut_short": verdict.cut_short(evidence),
        # Receives beyond the first of each message.
        "redelivered": verdict.redelivered(evidence),
        # Different messages: more than orders where a send was repeated or redriven.
        "messages": verdict.messages(evidence),
        # Messages: an order whose send was repeated can have several.
        "dead_lettered": len(letters),
        "dead_orders": len({letter.order_id for letter in letters}),
        # Dead letters of orders that were not meant to fail.
        "innocent_dead": verdict.innocent(evidence, letters, POISON),
        "redriven": redriven,
        "confirmed": statuses.count("CONFIRMED"),
        "rejected": statuses.count("REJECTED"),
        "lost": verdict.lost(evidence, traffic.order_ids, plan.orders),
        "doubled": verdict.doubled(evidence, plan.orders),
        # Until all had come to rest; the lookups after that are not in it.
        "seconds": round(seconds, 1),
    }


def weak(plan: Plan, numbers: Numbers, evidence: Evidence) -> list[str]:
    """Return what should have happened in such a run and did not."""
    happened = {
        f"{plan.kills} kills": numbers["kills"] == plan.kills,
        "kills that hit running batches": numbers["cut_short"] > 0,
        "throttled calls": numbers["throttles"] > 0,
        "resets and lost answers, of clients and of functions": all(
            (numbers["client_resets"], numbers["client_lost_answers"], numbers["dependency_resets"])
        )
        and numbers["dependency_lost_answers"] > 0,
        "stock that runs out": numbers["rejected"] > 0 and int(evidence.stock[SCARCE]["available"]) == 0,
        # More than the poisonous ones may die where a starved machine lets calls time out; none may stay dead.
        f"{plan.dead_letters} dead letters or more, all redriven": plan.dead_letters <= numbers["dead_lettered"]
        and numbers["dead_lettered"] == numbers["redriven"],
        "keys that callers share": numbers["shared_keys"] > 0,
    }
    return [f"not seen: {what}" for what, seen in happened.items() if not seen]
