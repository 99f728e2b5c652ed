"""The worker: settles the orders in the queue and publishes their outcomes."""

import random
import time
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from runtime.handlers import finish_init
from runtime.handlers.powertools.batch import BatchRunner
from runtime.handlers.powertools.idempotency import WorkerIdempotency
from runtime.logic.backoff import Random
from runtime.logic.clock import Clock
from runtime.logic.processing import OrderProcessor
from runtime.logic.protocols import Notifications
from runtime.logic.settle import Settler
from runtime.logic.together import Together
from runtime.observability import logger, metrics
from runtime.settings import WorkerSettings, worker_settings
from runtime.store import clients
from runtime.store.call_budget import CallBudget
from runtime.store.call_times import BRIEF_ATTEMPT_SECONDS, REPORT_SECONDS
from runtime.store.dead_letters import DeadLetters
from runtime.store.dependency import describe
from runtime.store.notifications import BusNotifications, TopicNotifications
from runtime.store.settlement import SettlementStore
from runtime.store.source_queue import SourceQueue

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
    from aws_lambda_powertools.utilities.typing import LambdaContext
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_sqs import SQSClient

_BRIEF_MILLISECONDS: Final = int((BRIEF_ATTEMPT_SECONDS + REPORT_SECONDS) * 1000)


def build(
    *,
    dynamodb: "DynamoDBClient",
    sqs: "SQSClient",
    settings: WorkerSettings,
    sns: "SNSClient | None" = None,
    events: "EventBridgeClient | None" = None,
    brief_sqs: "SQSClient | None" = None,
    budget: CallBudget | None = None,
    clock: Clock = time,
    random: Random = random.random,
) -> BatchRunner:
    """Build the worker of one process from these clients, a clock and a source of random numbers.

    If the settings name a topic, `sns` is needed; if they name a bus, `events` is needed. `brief_sqs` deletes messages
    and changes their visibility, also in an invocation's last seconds; without it `sqs` does so.
    """
    processed = WorkerIdempotency(dynamodb, settings.idempotency_table, settings.idempotency_ttl_seconds)
    store = SettlementStore(dynamodb, settings.orders_table, settings.stock_table)
    processor = OrderProcessor(
        settings=settings,
        settler=Settler(store, clock, random),
        notifications=_notifications(settings, sns, events),
        processed=processed,
        dead_letters=DeadLetters(sqs, settings.dead_letter_queue_url, fifo=settings.orders_queue_fifo),
        source=SourceQueue(brief_sqs or sqs, settings.orders_queue_url),
        describe=describe,
        random=random,
        logger=logger,
    )
    together = None if settings.orders_queue_fifo else Together(store, clock, random, describe, logger)
    return BatchRunner(processor, processed, budget or CallBudget(), settings.batch_threads, together)


def _notifications(
    settings: WorkerSettings, sns: "SNSClient | None", events: "EventBridgeClient | None"
) -> Notifications:
    if settings.notifications_bus_name and events is not None:
        return BusNotifications(events, settings.notifications_bus_name)
    if settings.notifications_topic_arn and sns is not None:
        return TopicNotifications(sns, settings.notifications_topic_arn, fifo=settings.orders_queue_fifo)
    raise ValueError(
        "no client can publish outcomes: pass `events` if the settings name a bus, `sns` if the settings name a topic"
    )


@cache
def worker() -> BatchRunner:
    """The worker of this process."""
    settings, dynamodb, sqs, brief_sqs = worker_settings(), clients.dynamodb(), clients.sqs(), clients.brief_sqs()
    # Only one of these two clients is created, because each makes the cold start longer.
    sns = clients.sns() if settings.notifications_topic_arn else None
    events = clients.events() if settings.notifications_bus_name else None
    # An invocation's last seconds are kept for calls that return messages to the queue or delete
    # them. No other call starts then. So if a message needs more time than is left, only this
    # message fails. Otherwise Lambda would stop the process, and the whole batch would fail.
    budget = CallBudget(int(settings.time_margin_seconds * 1000))
    for client in (dynamodb, sqs, sns, events):
        if client is not None:
            budget.watch(client)
    budget.watch(brief_sqs, _BRIEF_MILLISECONDS)
    return build(
        dynamodb=dynamodb, sqs=sqs, settings=settings, sns=sns, events=events, brief_sqs=brief_sqs, budget=budget
    )


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: "LambdaContext") -> "PartialItemFailureResponse":
    """Process a batch of the orders queue and report the messages that failed (`ReportBatchItemFailures`)."""
    try:
        return worker().run(event, context)
    finally:
        if metrics.metric_set:
            metrics.flush_metrics()


finish_init(worker)
