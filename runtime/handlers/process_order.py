"""The worker: takes the orders in the queue to their outcome and publishes it."""

import os
import random
import time
from functools import cache
from typing import TYPE_CHECKING, Any

from runtime.logic.backoff import Random
from runtime.logic.batch import BatchRunner
from runtime.logic.clock import Clock
from runtime.logic.processing import OrderProcessor
from runtime.logic.settle import Settler
from runtime.observability import logger, metrics, tracer
from runtime.settings import WorkerSettings, worker_settings
from runtime.store import clients
from runtime.store.call_budget import CallBudget
from runtime.store.dead_letters import DeadLetters
from runtime.store.notifications import TopicNotifications
from runtime.store.processed_orders import ProcessedOrders
from runtime.store.settlement import SettlementStore
from runtime.store.source_queue import SourceQueue

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
    from aws_lambda_powertools.utilities.typing import LambdaContext
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_sqs import SQSClient


def build(
    *,
    dynamodb: "DynamoDBClient",
    sqs: "SQSClient",
    sns: "SNSClient",
    settings: WorkerSettings,
    budget: CallBudget | None = None,
    clock: Clock = time,
    random: Random = random.random,
) -> BatchRunner:
    """The worker of one process, over the given clients, time and chance."""
    processed = ProcessedOrders(dynamodb, settings.idempotency_table, settings.idempotency_ttl_seconds)
    processor = OrderProcessor(
        settings=settings,
        settler=Settler(SettlementStore(dynamodb, settings.orders_table, settings.stock_table), clock, random),
        notifications=TopicNotifications(sns, settings.notifications_topic_arn, fifo=settings.orders_queue_fifo),
        processed=processed,
        dead_letters=DeadLetters(sqs, settings.dead_letter_queue_url, fifo=settings.orders_queue_fifo),
        source=SourceQueue(sqs, settings.orders_queue_url),
        random=random,
    )
    return BatchRunner(processor, processed, budget or CallBudget(), settings.batch_threads)


@cache
def worker() -> BatchRunner:
    """The worker of this process."""
    settings, dynamodb, sns = worker_settings(), clients.dynamodb(), clients.sns()
    # The last seconds belong to giving messages back, so the queue's client is not watched. An item that outlives its
    # budget then fails alone, instead of having the platform stop the process and every neighbour with it.
    budget = CallBudget(int(settings.time_margin_seconds * 1000))
    budget.watch(dynamodb)
    budget.watch(sns)
    return build(dynamodb=dynamodb, sqs=clients.sqs(), sns=sns, settings=settings, budget=budget)


@logger.inject_lambda_context(clear_state=True)
@tracer.capture_lambda_handler(capture_response=False)
def handler(event: dict[str, Any], context: "LambdaContext") -> "PartialItemFailureResponse":
    """Process a batch of the orders queue; answers which messages failed (`ReportBatchItemFailures`)."""
    try:
        return worker().run(event, context)
    finally:
        if metrics.metric_set:
            metrics.flush_metrics()


if "AWS_LAMBDA_FUNCTION_NAME" in os.environ:
    # Init has a whole CPU whatever the function's memory, and a missing setting fails the deploy, not an order.
    worker()
