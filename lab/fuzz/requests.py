"""A round of requests: hostile events for both functions of the API. The contract judges each answer."""

from __future__ import annotations

import hashlib
import json
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urljoin

from lab.fuzz import contract
from lab.fuzz.contract import ACCEPTED, FOUND, UNKNOWN, RefusedError
from lab.fuzz.hostile import Hostile
from lab.fuzz.watch import Watch, process, watched
from lab.simulation.fakes import Process
from lab.simulation.requests import lambda_context
from lab.simulation.world import Deployment
from runtime.http.problems import CATALOGUE

REQUESTS = 20
"""Number of requests of one round. They share one deployment and its tables."""

REUSED, IN_PROGRESS, NOT_FOUND = "idempotency-key-reused", "request-in-progress", "order-not-found"
_MEMBERS: Final = frozenset({"type", "title", "status", "detail", "outcome_known", "retryable", "errors", "order_id"})
_KINDS: Final = {kind.type: kind for kind in CATALOGUE}
_MEDIA: Final = ("application/json; charset=utf-8", "text/plain", "application/jsonx", "application/json;;", "")
_PLACE: Final = "https://api.example/base/orders/"
_ISSUER: Final = "https://issuer.example"
Caller = tuple[str, str] | None


@dataclass
class Round:
    """The requests of one seed.

    Attributes:
        first: For each caller and key, the canonical accepted order and the body of its answer. `None` if it is
            unknown, because of a fault, whether an order was accepted.
        orders: The caller of each order, by order id.
        sent: The keys and orders of earlier requests. Some of them are sent again.
    """

    hostile: Hostile
    watch: Watch
    jwt: bool
    secrets: tuple[str, ...]
    first: dict[tuple[Caller, str], tuple[str, str] | None] = field(default_factory=dict)
    orders: dict[str, Caller] = field(default_factory=dict)
    sent: list[tuple[str, Any]] = field(default_factory=list)

    # --- making requests ------------------------------------------------------------------------------------------

    def event(self, *, lookup: bool) -> Any:
        """Return an event. Most events look like API Gateway's, with hostile values only where a client can choose
        them."""
        hostile = self.hostile
        if hostile.chance(0.03):
            return hostile.value(3)
        event: dict[str, Any] = {
            "version": "2.0",
            "headers": self._headers(),
            "requestContext": {"requestId": "request", "http": {"method": "POST"}, **self._authorizer()},
            "isBase64Encoded": False,
        }
        if lookup:
            event["pathParameters"] = {"order_id": self._order_id()}
        else:
            key, document = self._key_and_order()
            event["headers"] |= {"idempotency-key": key} if not hostile.chance(0.03) else {}
            body, encoded = hostile.encoded(hostile.raw(document))
            event |= {"body": body, "isBase64Encoded": encoded}
        return hostile.near(event, 0.05) if hostile.chance(0.05) else event

    def _headers(self) -> dict[str, Any]:
        hostile = self.hostile
        media = "application/json" if hostile.chance(0.9) else hostile.random.choice((*_MEDIA, hostile.text()))
        headers = {"content-type": media, "authorization": f"Bearer {hostile.mark()}", "cookie": hostile.text()}
        if self.secrets and not hostile.chance(0.05):
            headers["x-origin-verify"] = hostile.random.choice(self.secrets)
        if hostile.chance(0.1):
            headers[hostile.random.choice(("x-origin-verify", "Idempotency-Key", "content-encoding"))] = hostile.text()
        for name in ("x-correlation-id", "traceparent", hostile.name()):
            if hostile.chance(0.3):
                headers[name] = hostile.text()
        return headers

    def _authorizer(self) -> dict[str, Any]:
        hostile = self.hostile
        if not self.jwt:
            return {}
        subject = hostile.random.choice(("ann", "bob")) if hostile.chance(0.9) else hostile.text()
        claims = {"iss": _ISSUER, "sub": subject, "email": hostile.mark()}
        authorizer = {"jwt": {"claims": claims, "scopes": None}}
        return {"authorizer": hostile.near(authorizer, 0.2) if hostile.chance(0.1) else authorizer}

    def _key_and_order(self) -> tuple[str, Any]:
        hostile = self.hostile
        if self.sent and hostile.chance(0.3):
            key, document = hostile.random.choice(self.sent)
            return key, document if hostile.chance(0.6) else hostile.order(0)
        key = f'"{hostile.mark()}\\""' if hostile.chance(0.2) else hostile.mark()
        key = hostile.text() if hostile.chance(0.1) else key
        document = hostile.order(0 if hostile.chance(0.4) else hostile.random.choice((0.02, 0.1, 0.4)))
        self.sent.append((key, document))
        return key, document

    def _order_id(self) -> Any:
        hostile = self.hostile
        if not self.orders or hostile.chance(0.3):
            return hostile.value()
        order_id = hostile.random.choice(tuple(self.orders))
        return order_id.upper() if hostile.chance(0.1) else order_id + hostile.random.choice(("", "", "", "\n", " "))

    # --- judging answers ------------------------------------------------------------------------------------------

    def play(self) -> None:
        """Send all requests and judge their answers."""
        for _ in range(REQUESTS):
            lookup = self.hostile.chance(0.25)
            event = self.event(lookup=lookup)
            disturbed = process(self.hostile, 0.1, 4)
            self.watch.counted.append("lookups" if lookup else "posts")
            try:
                response = self._invoke(event, disturbed, lookup=lookup)
            except Exception as error:  # noqa: BLE001 - any exception is a violation
                place = traceback.extract_tb(error.__traceback__)[-1]
                self.watch.violated("exception", f"{type(error).__name__} at {place.name}: {str(error)[:200]!r}")
                continue
            finally:
                self.watch.read_log(self.hostile)
            judged = self._lookup_outcomes(event) if lookup else self._post_outcomes(event, response)
            if disturbed.fault:
                judged |= {UNKNOWN, IN_PROGRESS}
                self.watch.counted.append("disturbed")
            self._judge(response, judged)
            if not lookup:
                self._remember(event, response, disturbed=bool(disturbed.fault))

    def _invoke(self, event: Any, disturbed: Process, *, lookup: bool) -> Any:
        world = self.watch.world
        function = world._reader() if lookup else world._creator()
        context = lambda_context(world.cloud.clock, 10)
        return world.cloud.wire.run(disturbed, lambda: function.handle(event, context))

    def _caller(self, event: Any) -> Caller:
        return contract.caller_of(event, jwt=self.jwt, secrets=self.secrets)

    def _post_outcomes(self, event: Any, response: Any) -> set[str]:
        try:
            caller, key = self._caller(event), contract.key_of(event)
            form = contract.canonical(contract.order_of(event))
        except RefusedError as refused:
            return set(refused.problems)
        before = self.first.get((caller, key), ("", ""))
        if before is None:
            return {ACCEPTED, REUSED, IN_PROGRESS}
        if before[0] not in ("", form):
            return {REUSED}
        if before[1] and outcome_of(response) == ACCEPTED and response["body"] != before[1]:
            self.watch.violated("answer", "a replay differs from the first answer")
        return {ACCEPTED}

    def _lookup_outcomes(self, event: Any) -> set[str]:
        try:
            caller = self._caller(event)
        except RefusedError as refused:
            return set(refused.problems)
        parameters = event.get("pathParameters") if isinstance(event, Mapping) else None
        order_id = parameters.get("order_id") if isinstance(parameters, Mapping) else None
        if not isinstance(order_id, str) or self.orders.get(order_id.lower(), "nobody") != caller:
            return {NOT_FOUND}
        return {FOUND}

    def _remember(self, event: Any, response: Any, *, disturbed: bool) -> None:
        try:
            caller, key = self._caller(event), contract.key_of(event)
            form = contract.canonical(contract.order_of(event))
        except RefusedError:
            return
        outcome = outcome_of(response)
        if outcome == ACCEPTED:
            self.first[caller, key] = (form, response["body"])
            self.orders[json.loads(response["body"])["order_id"]] = caller
        elif disturbed and self.first.get((caller, key)) is None:
            self.first[caller, key] = None

    def _judge(self, response: Any, allowed: set[str]) -> None:
        outcome = outcome_of(response)
        self.watch.counted.append(outcome)
        if outcome not in allowed:
            kind = "unexpected 5xx" if _status(response) >= 500 else "answer"
            self.watch.violated(kind, f"{outcome}, but the contract allows {sorted(allowed)}")
        for what in broken(response):
            self.watch.violated("answer", what)
        if outcome != FOUND:  # a look-up returns the client's own order, so it may contain marks
            self.watch.look_for(self.hostile.marks, json.dumps(response), "the answer")


def outcome_of(response: Any) -> str:
    """Return an answer's outcome: `accepted`, `found`, the name of the problem, or `not a problem document (…)`."""
    status = _status(response)
    if status in (200, 202):
        return FOUND if status == 200 else ACCEPTED
    try:
        return str(json.loads(response["body"])["type"]).rpartition(":")[2]
    except (ValueError, TypeError, KeyError):
        return f"not a problem document ({status})"


def broken(response: Any) -> list[str]:
    """Return what is wrong with the form of an answer."""
    try:
        json.dumps(response).encode()
        document, headers = json.loads(response["body"]), response["headers"]
        found = [] if set(response) == {"statusCode", "headers", "body", "isBase64Encoded"} else ["unexpected members"]
        if not all(isinstance(value, str) and value.isascii() and value.isprintable() for value in headers.values()):
            found.append("a header that HTTP cannot carry")
        if response["statusCode"] == 202:
            return found + _broken_acceptance(document, headers)
        return found + (_broken_problem(document, headers, response) if response["statusCode"] != 200 else [])
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        return [f"not an answer in API Gateway's form: {error!r}"]


def _broken_acceptance(document: dict[str, Any], headers: dict[str, str]) -> list[str]:
    found = [] if list(document) == ["order_id", "status", "total", "currency", "accepted_at"] else ["202: bad members"]
    if urljoin(_PLACE.rstrip("/"), headers["Location"]) != f"{_PLACE}{document['order_id']}":
        found.append("202: Location does not lead to the order")
    return found


def _broken_problem(document: dict[str, Any], headers: dict[str, str], response: dict[str, Any]) -> list[str]:
    kind = _KINDS.get(document["type"])
    if kind is None or response["statusCode"] != kind.status:
        return [f"a problem that is not in the contract: {document['type']} with {response['statusCode']}"]
    found = [] if document.keys() <= _MEMBERS else ["problem: unknown members"]
    if (document["title"], document["status"]) != (kind.title, kind.status) or not document["detail"]:
        found.append("problem: wrong title, status or detail")
    if (document["outcome_known"], document["retryable"]) != (
        kind.status not in {409, 503},
        kind.retry_after is not None,
    ):
        found.append("problem: wrong outcome_known or retryable")
    if headers["Content-Type"] != "application/problem+json" or ("Retry-After" in headers) != bool(kind.retry_after):
        found.append("problem: wrong Content-Type or Retry-After")
    errors = document.get("errors", [])
    if len(errors) > 20 or not all(set(error) == {"pointer", "detail"} and error["detail"] for error in errors):
        found.append("problem: wrong errors")
    return found


def _status(response: Any) -> int:
    status = response.get("statusCode") if isinstance(response, dict) else None
    return status if isinstance(status, int) else 0


def play_requests(hostile: Hostile) -> Watch:
    """Play one round. Chance decides whether the API has an authorizer, and whether an edge adds a secret."""
    jwt, secrets = hostile.chance(0.7), (hostile.mark(), hostile.mark()) if hostile.chance(0.3) else ()
    digests = ",".join(hashlib.sha256(secret.encode()).hexdigest() for secret in secrets)
    with watched(Deployment(jwt_authorizer=jwt, origin_secret_sha256=digests)) as watch:
        Round(hostile, watch, jwt, secrets).play()
    return watch
