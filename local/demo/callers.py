"""Shows that no caller sees another caller's order, even with the same idempotency key (G6)."""

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
ANONYMOUS = "a caller without a token"
_AT_ONCE = 2
_LOOKS = 3


@dataclass(frozen=True)
class Caller:
    """A caller with a token: invokes the functions with the events that an API with a JWT authorizer sends."""

    stack: LocalStack
    name: str
    issuer: str = "https://issuer.example"
    accepted: set[str] = field(default_factory=set, compare=False)
    """The ids in this caller's 202 answers."""

    def post(self, body: dict[str, Any], key: str) -> Answer:
        """Send `POST /orders` once."""
        headers = {"content-type": "application/json", "idempotency-key": key}
        answer = self._call("create_order_function", {"headers": headers, "body": json.dumps(body)})
        if answer.status == HTTPStatus.ACCEPTED:
            self.accepted.add(answer.order_id)
        return answer

    def get(self, order_id: str) -> Answer:
        """Send `GET /orders/{order_id}`."""
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
class Lookup:
    """A caller's access to `GET /orders/{order_id}`, with the answers that this caller should get."""

    name: str
    get: Callable[[str], Answer]
    """`GET /orders/{order_id}`."""
    accepted: Set[str] | None = None
    """The ids in this caller's answers 202; `None` if they were not recorded."""
    refusal: HTTPStatus = HTTPStatus.NOT_FOUND
    """The status of an answer about another caller's order."""


@dataclass(frozen=True)
class LookupResults:
    """The orders that each caller sees, after every caller has requested every order."""

    owners: Mapping[str, str]
    """The `caller` of each order's row, by order id. Rows without a `caller` are left out."""
    seen: Mapping[str, Set[str]]
    """The ids of all orders that each caller found, by the caller's name."""
    accepted: Mapping[str, Set[str]] = field(default_factory=dict)
    """The ids in each caller's answers 202, by the caller's name. Callers without such a record are left out."""
    unexpected: tuple[str, ...] = ()
    """Answers that are neither 200 nor the expected refusal."""


def two_callers(stage: DemoStack) -> list[Caller]:
    """Post the same body with the same key as two callers. Return both callers."""
    transcript, before = stage.transcript, stage.account.available(BOOK)
    transcript.chapter(
        "Two callers, one key",
        "This API has no authorizer, so all its clients are one caller. This step invokes the functions "
        "directly as ada and as ben, with the token claims that an API with an authorizer would pass on.",
    )
    ada, ben = callers = [Caller(stage.stack, name) for name in ("ada", "ben")]
    body = order((BOOK, 1))
    first, other, again = (_posted(stage, caller, body) for caller in (ada, ben, ada))
    transcript.check("two callers get two orders", first.order_id != other.order_id and not other.is_replay)
    transcript.check("ada's repeated request gets ada's first answer", again.is_replay and again.body == first.body)
    for each in (first, other):
        stage.settled(each.order_id)
    transcript.check(
        f"stock of {BOOK} is taken for both: {before} → {before - 2}", stage.account.available(BOOK) == before - 2
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


def lookups_of(stage: DemoStack, callers: Sequence[Caller]) -> list[Lookup]:
    """Return lookups of the demo's callers and of a caller without a token.

    A stack without an authorizer accepts requests without a token.
    """
    return [Lookup(ANONYMOUS, stage.api.get), *(Lookup(each.name, each.get, each.accepted) for each in callers)]


def look_up_all(orders: Mapping[str, Mapping[str, Any]], lookups: Sequence[Lookup]) -> LookupResults:
    """Make every caller request every order. `orders`: rows of the orders table by id."""
    owners = {order_id: str(row["caller"]) for order_id, row in orders.items() if "caller" in row}
    requests = [(lookup, order_id) for lookup in lookups for order_id in sorted(owners)]
    statuses = at_once(requests, lambda each: _status(*each), _AT_ONCE)
    answered = [(lookup, order_id, status) for (lookup, order_id), status in zip(requests, statuses, strict=True)]
    return LookupResults(
        owners=owners,
        seen={
            lookup.name: {order_id for each, order_id, status in answered if each is lookup and status == HTTPStatus.OK}
            for lookup in lookups
        },
        accepted={lookup.name: lookup.accepted for lookup in lookups if lookup.accepted is not None},
        unexpected=tuple(
            f"{lookup.name} was answered {status} for {order_id}"
            for lookup, order_id, status in answered
            if status not in (HTTPStatus.OK, lookup.refusal)
        ),
    )


def _status(lookup: Lookup, order_id: str) -> int:
    """Return the answer's status. Repeat the request after 429 and 5xx, as documented for clients."""
    for _ in range(_LOOKS - 1):
        answer = lookup.get(order_id)
        if answer.status != HTTPStatus.TOO_MANY_REQUESTS and answer.status < HTTPStatus.INTERNAL_SERVER_ERROR:
            return answer.status
        time.sleep(float(answer.headers.get("retry-after", 1)))
    return lookup.get(order_id).status


def isolation(results: LookupResults) -> Finding:
    """Check G6: each order is seen by exactly one caller, who also got the 202 for the order.

    The rows of all orders that a caller sees must have the same `caller`. A row does not show who got the 202 for it,
    so the recorded answers are checked too.
    """
    violations = list(results.unexpected)
    viewers = {key: sorted(name for name, seen in results.seen.items() if key in seen) for key in results.owners}
    violations += [
        f"{key} is seen by {' and by '.join(names) or 'nobody'}" for key, names in viewers.items() if len(names) != 1
    ]
    shared = {name: {results.owners[key] for key in seen} for name, seen in results.seen.items()}
    violations += [f"{name} sees orders of {len(found)} callers" for name, found in shared.items() if len(found) > 1]
    for name, accepted in results.accepted.items():
        seen = results.seen[name]
        violations += [f"{name} got 202 for {key} and does not find it" for key in sorted(accepted - seen)]
        violations += [f"{name} finds {key} and got no 202 for it" for key in sorted(seen - accepted)]
    looks = len(results.owners) * len(results.seen)
    found = sum(len(seen) for seen in results.seen.values())
    return Finding(
        "G6",
        "isolation",
        f"{len(results.seen)} requesters each looked up all {len(results.owners)} orders of "
        f"{len(set(results.owners.values()))} callers: {found} look-ups succeeded, {looks - found} were refused",
        violations,
    )
