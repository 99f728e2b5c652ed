"""The story's callers: what belongs to one is nobody else's, whatever key it came with (G6)."""

import json
import time
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from local.client import LocalStack
from local.demo.http import at_once, order
from local.demo.story import BOOK, DemoStack
from local.demo.transcript import shown
from local.errors import LocalError
from ops.audit.judge import Finding
from ops.gateway.http import Answer

KEY = "shared-key"
EVERYBODY = "without a token"
_AT_ONCE = 2
_LOOKS = 3


@dataclass(frozen=True)
class Caller:
    """Somebody with a token: the functions are called as API Gateway calls them behind a JWT authorizer."""

    stack: LocalStack
    name: str
    issuer: str = "https://issuer.example"
    told: set[str] = field(default_factory=set, compare=False)
    """The orders that its answers 202 named."""

    def post(self, body: dict[str, Any], key: str) -> Answer:
        """`POST /orders`, once."""
        headers = {"content-type": "application/json", "idempotency-key": key}
        answer = self._call("create_order_function", {"headers": headers, "body": json.dumps(body)})
        if answer.status == HTTPStatus.ACCEPTED:
            self.told.add(answer.order_id)
        return answer

    def get(self, order_id: str) -> Answer:
        """`GET /orders/{order_id}`."""
        return self._call("get_order_function", {"headers": {}, "pathParameters": {"order_id": order_id}})

    def _call(self, function: str, request: Mapping[str, Any]) -> Answer:
        claims = {"iss": self.issuer, "sub": self.name}
        event = {"version": "2.0", **request, "requestContext": {"authorizer": {"jwt": {"claims": claims}}}}
        started = time.monotonic()
        result = self.stack.aws.lambda_.invoke(FunctionName=self.stack.outputs[function], Payload=json.dumps(event))
        answer = json.loads(result["Payload"].read())
        if "statusCode" not in answer:
            raise LocalError(f"The function {self.stack.outputs[function]} failed: {answer}")
        received = {name.lower(): value for name, value in answer["headers"].items()}
        return Answer(answer["statusCode"], received, answer["body"].encode(), time.monotonic() - started)


@dataclass(frozen=True)
class Door:
    """One who looks orders up."""

    name: str
    get: Callable[[str], Answer]
    """`GET /orders/{order_id}`."""
    told: Set[str] | None = None
    """The orders that its answers 202 named. None: nobody kept account of them."""
    refusal: HTTPStatus = HTTPStatus.NOT_FOUND
    """The status for an order that is not its own."""


@dataclass(frozen=True)
class Sights:
    """Orders that each caller sees: everybody who calls has asked for every order there is."""

    owners: Mapping[str, str]
    """Of each order its row's `caller`; rows that name none are left out."""
    seen: Mapping[str, Set[str]]
    """By caller's name, the orders found; all others were refused."""
    told: Mapping[str, Set[str]] = field(default_factory=dict)
    """By caller's name, the orders that its answers 202 named; without those of whom that is not known."""
    odd: tuple[str, ...] = ()
    """Answers that are neither 200 nor the refusal that was to be expected."""


def two_callers(stage: DemoStack) -> list[Caller]:
    """Two callers with one key and one body; both."""
    transcript, before = stage.transcript, stage.account.available(BOOK)
    transcript.chapter(
        "Two callers, one key",
        "This API has no authorizer. So its functions are called as API Gateway calls them behind one: with the claims "
        "of a verified token.",
    )
    ada, ben = callers = [Caller(stage.stack, name) for name in ("ada", "ben")]
    body = order((BOOK, 1))
    first, other, again = (_posted(stage, caller, body) for caller in (ada, ben, ada))
    transcript.check("two callers, two orders", first.order_id != other.order_id and not other.is_replay)
    transcript.check("each has its own replay", again.is_replay and again.body == first.body)
    for each in (first, other):
        stage.settled(each.order_id)
    transcript.check(
        f"stock of {BOOK} moved for both: {before} → {before - 2}", stage.account.available(BOOK) == before - 2
    )
    transcript.sent(f"ben: GET /orders/{first.order_id}")
    answer = ben.get(first.order_id)
    transcript.answered(answer)
    transcript.check("ada's order does not exist for ben", answer.status == HTTPStatus.NOT_FOUND)
    return callers


def _posted(stage: DemoStack, caller: Caller, body: dict[str, Any]) -> Answer:
    stage.transcript.sent(f"{caller.name}: POST /orders  Idempotency-Key: {KEY}  {shown(body)}")
    answer = caller.post(body, KEY)
    stage.transcript.answered(answer)
    return answer


def doors_of(stage: DemoStack, callers: Sequence[Caller]) -> list[Door]:
    """The demo's callers, and somebody without a token: on a stack without an authorizer a caller like others."""
    return [Door(EVERYBODY, stage.api.get), *(Door(each.name, each.get, each.told) for each in callers)]


def look(orders: Mapping[str, Mapping[str, Any]], doors: Sequence[Door]) -> Sights:
    """Let everybody ask for every order. `orders`: rows of the orders table by id."""
    owners = {order_id: str(row["caller"]) for order_id, row in orders.items() if "caller" in row}
    asked = [(door, order_id) for door in doors for order_id in sorted(owners)]
    statuses = at_once(asked, lambda each: _status(*each), _AT_ONCE)
    answered = [(door, order_id, status) for (door, order_id), status in zip(asked, statuses, strict=True)]
    return Sights(
        owners=owners,
        seen={
            door.name: {order_id for each, order_id, status in answered if each is door and status == HTTPStatus.OK}
            for door in doors
        },
        told={door.name: door.told for door in doors if door.told is not None},
        odd=tuple(
            f"{door.name} was answered {status} for {order_id}"
            for door, order_id, status in answered
            if status not in (HTTPStatus.OK, door.refusal)
        ),
    )


def _status(door: Door, order_id: str) -> int:
    """The answer's status. What says "later" is asked again, as clients are told to."""
    for _ in range(_LOOKS - 1):
        answer = door.get(order_id)
        if answer.status != HTTPStatus.TOO_MANY_REQUESTS and answer.status < HTTPStatus.INTERNAL_SERVER_ERROR:
            return answer.status
        time.sleep(float(answer.headers.get("retry-after", 1)))
    return door.get(order_id).status


def isolation(sights: Sights) -> Finding:
    """G6: every order is seen by exactly one caller, who was told of it and sees all of the same row's `caller`.

    What was told matters: an answer that was meant for another caller shows in no row.
    """
    violations = list(sights.odd)
    viewers = {key: sorted(name for name, seen in sights.seen.items() if key in seen) for key in sights.owners}
    violations += [
        f"{key} is seen by {', '.join(names) or 'nobody'}" for key, names in viewers.items() if len(names) != 1
    ]
    shared = {name: {sights.owners[key] for key in seen} for name, seen in sights.seen.items()}
    violations += [f"{name} sees orders of {len(found)} callers" for name, found in shared.items() if len(found) > 1]
    for name, told in sights.told.items():
        seen = sights.seen[name]
        violations += [f"{name} was told of {key} and does not find it" for key in sorted(told - seen)]
        violations += [f"{name} finds {key} and was not told of it" for key in sorted(seen - told)]
    looks = len(sights.owners) * len(sights.seen)
    found = sum(len(seen) for seen in sights.seen.values())
    return Finding(
        "G6",
        "isolation",
        f"{len(set(sights.owners.values()))} callers, {len(sights.owners)} orders; each looked for all: "
        f"{found} found, {looks - found} of others refused",
        violations,
    )
