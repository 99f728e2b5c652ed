"""`GET /orders/{order_id}`: the status of an order."""

import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final

from runtime.handlers import finish_init
from runtime.http import endpoint
from runtime.http.origin import OriginGuard
from runtime.http.problems import NOT_FOUND, ProblemError
from runtime.http.request import Request, identity_of
from runtime.http.responses import Response, json_response
from runtime.logic.keys import caller_id
from runtime.models.answers import CallerStatus, view_of
from runtime.observability import logger
from runtime.resumed import reseed
from runtime.settings import LookupSettings, lookup_settings
from runtime.store import clients
from runtime.store.call_budget import CallBudget
from runtime.store.order_lookup import OrderLookup

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext
    from mypy_boto3_dynamodb import DynamoDBClient

_ORDER_ID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")

# Seconds until a client should poll again. Most orders settle within seconds, but a delayed order waits for a person.
_POLL_AGAIN_SECONDS: Final = {CallerStatus.ACCEPTED: 2, CallerStatus.DELAYED: 60}


@dataclass(frozen=True, slots=True)
class GetOrder:
    """The endpoint with its dependencies."""

    orders: OrderLookup
    budget: CallBudget
    guard: OriginGuard
    jwt_authorizer: bool

    def handle(self, event: object, context: "LambdaContext") -> Response:
        """Answer one request. Never raises."""
        self.budget.begin(context)
        return endpoint.answer(event, self._get, self.guard)

    def _get(self, request: Request) -> Response:
        caller = caller_id(identity_of(request, jwt_authorizer=self.jwt_authorizer))
        # A UUID is case-insensitive on input (RFC 9562, 4).
        order_id = request.path_parameters.get("order_id", "").lower()
        if not _ORDER_ID.fullmatch(order_id):
            raise _not_found()
        logger.append_keys(order_id=order_id)
        order = self.orders.get(order_id)
        if order is None or order.caller != caller:
            raise _not_found()
        view = view_of(order)
        # `endpoint.answer` logs all other answers.
        logger.debug("answered", extra={"status": 200})
        again = _POLL_AGAIN_SECONDS.get(view.status)
        return json_response(
            200, view.model_dump_json(exclude_none=True), {"Retry-After": str(again)} if again is not None else {}
        )


def _not_found() -> ProblemError:
    return ProblemError(NOT_FOUND, "No order of yours has this id. Take the id from the `Location` of the answer 202.")


def build(*, dynamodb: "DynamoDBClient", settings: LookupSettings, budget: CallBudget | None = None) -> GetOrder:
    """Build the endpoint from this client."""
    return GetOrder(
        OrderLookup(dynamodb, settings.orders_table),
        budget or CallBudget(),
        OriginGuard.of(settings.origin_digests),
        jwt_authorizer=settings.jwt_authorizer,
    )


@cache
def _endpoint() -> GetOrder:
    budget = CallBudget()
    dynamodb = clients.dynamodb()
    budget.watch(dynamodb)
    return build(dynamodb=dynamodb, settings=lookup_settings(), budget=budget)


@logger.inject_lambda_context(clear_state=True)
def handler(event: endpoint.LambdaEvent, context: "LambdaContext") -> Response:
    """Lambda's entry point."""
    reseed()
    try:
        return _endpoint().handle(event, context)
    finally:
        endpoint.flush_metrics()


finish_init(_endpoint)
