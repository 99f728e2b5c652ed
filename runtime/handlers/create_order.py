"""`POST /orders`: accepts an order immediately; the worker processes it later."""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING

from runtime.handlers import finish_init
from runtime.handlers.powertools.idempotency import Answer, ApiIdempotency, KeyReusedError
from runtime.http import endpoint
from runtime.http.body import parse_json, read_bytes, require_json
from runtime.http.idempotency_key import parse_key
from runtime.http.origin import OriginGuard
from runtime.http.problems import IN_PROGRESS, KEY_REUSED, ProblemError
from runtime.http.request import Request, identity_of
from runtime.http.responses import REPLAY_HEADER, Response, document_of, json_response
from runtime.http.validation import to_order
from runtime.logic.accept import Acceptance, Submission
from runtime.logic.failures import DependencyError, InProgressError
from runtime.logic.trace_context import traceparent
from runtime.metric import MetricName
from runtime.models.fields import TEST_CURRENCY
from runtime.observability import logger
from runtime.resumed import reseed
from runtime.settings import IntakeSettings, intake_settings
from runtime.store import clients
from runtime.store.call_budget import CallBudget
from runtime.store.order_intake import OrderIntake
from runtime.store.order_queue import OrderQueue

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_sqs import SQSClient


@dataclass(frozen=True, slots=True)
class CreateOrder:
    """The endpoint with its dependencies."""

    acceptance: Acceptance
    answers: ApiIdempotency
    budget: CallBudget
    guard: OriginGuard
    jwt_authorizer: bool

    def handle(self, event: object, context: "LambdaContext") -> Response:
        """Answer one request. Never raises."""
        self.budget.begin(context)
        self.answers.register(context)
        return endpoint.answer(event, self._accept, self.guard)

    def _accept(self, request: Request) -> Response:
        submission = read_submission(request, jwt_authorizer=self.jwt_authorizer)
        try:
            answer = self.answers.once(
                key=submission.request_key,
                payload=submission.payload,
                operation=lambda: self.acceptance.accept(submission),
            )
        except InProgressError as error:
            endpoint.count(MetricName.IDEMPOTENCY_CONFLICT)
            raise ProblemError(IN_PROGRESS, "Repeat the request, with the same key and body, in a second.") from error
        except KeyReusedError as error:
            endpoint.count(MetricName.IDEMPOTENCY_MISMATCH)
            raise ProblemError(KEY_REUSED, "Use a new key for a new order, and the same body for a retry.") from error
        except DependencyError as error:
            raise endpoint.dependency_failed(error, submission.order_id) from error
        except Exception as error:
            raise endpoint.unexpected(error, submission.order_id) from error
        return _accepted(answer)


def read_submission(request: Request, *, jwt_authorizer: bool) -> Submission:
    """Check the whole request before any table is touched, and return it as a submission.

    Raises `ProblemError`; `identity_of` can also raise `AuthorizerMissingError`.
    """
    identity = identity_of(request, jwt_authorizer=jwt_authorizer)
    key = parse_key(request.header("idempotency-key"))
    require_json(request)
    document = parse_json(read_bytes(request))
    return Submission(
        identity=identity,
        key=key,
        document=document,
        order=to_order(document),
        correlation_id=request.correlation_id,
        traceparent=traceparent(request.header("traceparent"), os.environ.get("_X_AMZN_TRACE_ID")),
    )


def _accepted(answer: Answer) -> Response:
    # Use the id of the answer, not of the submission. The ids differ if the answer is a replay from older code that
    # derived ids in another way.
    document = document_of(answer.body)
    order_id = document["order_id"]
    if answer.replayed or document["currency"] != TEST_CURRENCY:
        endpoint.count(MetricName.IDEMPOTENT_REPLAY if answer.replayed else MetricName.ORDER_ACCEPTED)
    logger.info("order accepted", extra={"order_id": order_id, "replayed": answer.replayed})
    # Relative to the URL of the POST (RFC 9110, 10.2.2), because only the client knows the path before `/orders`.
    headers = {"Location": f"orders/{order_id}"}
    if answer.replayed:
        headers[REPLAY_HEADER] = "true"
    return json_response(202, answer.body, headers)


def _now() -> datetime:
    return datetime.now(UTC)


def build(
    *,
    dynamodb: "DynamoDBClient",
    sqs: "SQSClient",
    settings: IntakeSettings,
    now: Callable[[], datetime] = _now,
    sleep: Callable[[float], None] = time.sleep,
    budget: CallBudget | None = None,
) -> CreateOrder:
    """Build the endpoint from these clients."""
    return CreateOrder(
        acceptance=Acceptance(
            queue=OrderQueue(sqs, settings.orders_queue_url, fifo=settings.orders_queue_fifo),
            orders=OrderIntake(dynamodb, settings.orders_table, sleep),
            now=now,
            logger=logger,
        ),
        answers=ApiIdempotency(dynamodb, settings.idempotency_table, settings.idempotency_ttl_seconds),
        budget=budget or CallBudget(),
        guard=OriginGuard.of(settings.origin_digests),
        jwt_authorizer=settings.jwt_authorizer,
    )


@cache
def _endpoint() -> CreateOrder:
    budget = CallBudget()
    dynamodb, sqs = clients.dynamodb(), clients.sqs()
    budget.watch(dynamodb)
    budget.watch(sqs)
    return build(dynamodb=dynamodb, sqs=sqs, settings=intake_settings(), budget=budget)


@logger.inject_lambda_context(clear_state=True)
def handler(event: endpoint.LambdaEvent, context: "LambdaContext") -> Response:
    """Lambda's entry point."""
    reseed()
    try:
        return _endpoint().handle(event, context)
    finally:
        endpoint.flush_metrics()


finish_init(_endpoint)
