"""Runs a batch: in parallel if all its messages are new, otherwise one by one (ADR 0004).

A message that was received before may have killed a process.
"""

import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from aws_lambda_powertools import Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType

from runtime.handlers.powertools.idempotency import WorkerIdempotency
from runtime.logic.batch_metrics import BatchMetrics
from runtime.logic.delivery import Delivery
from runtime.logic.isolation import isolation_order
from runtime.logic.processing import Invocation, OrderProcessor
from runtime.logic.together import Together
from runtime.metric import MetricName
from runtime.observability import logger, metrics
from runtime.store.call_budget import CallBudget
from runtime.store.call_times import ATTEMPT_SECONDS

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse, PartialItemFailures
    from aws_lambda_powertools.utilities.typing import LambdaContext

T = TypeVar("T")
R = TypeVar("R")


class ThreadedBatchProcessor(BatchProcessor):
    """Powertools' batch processor, changed to process deliveries on at most `threads` threads."""

    def __init__(self, threads: int) -> None:
        super().__init__(EventType.SQS, raise_on_entire_batch_failure=False)
        self._threads = threads

    def process(self) -> list[tuple[Any, ...]]:
        """Process every delivery; the results are in the sequence of the deliveries."""
        return on_threads(self._threads, self._process_record, self.records)

    def _process_record(self, record: Any) -> tuple[Any, ...]:
        # Powertools' own method expects the raw record, not a delivery.
        try:
            return self.success_handler(record, self.handler(record))
        except Exception:  # noqa: BLE001 - any error fails this message only, not the others
            return self.failure_handler(record, sys.exc_info())


def on_threads(threads: int, function: Callable[[T], R], items: Sequence[T]) -> list[R]:
    """Apply `function` to each item on at most `threads` threads; return the results in the sequence of the items.

    If one thread is enough, the calling thread does the work.
    """
    workers = min(threads, len(items))
    if workers <= 1:
        return [function(item) for item in items]
    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(function, items))


@dataclass(frozen=True, slots=True)
class BatchRunner:
    """Runs the batches of one process. `together` settles orders that share an article; it is `None` on FIFO queues."""

    processor: OrderProcessor
    processed: WorkerIdempotency
    budget: CallBudget
    threads: int
    together: Together | None

    def run(self, event: Mapping[str, Any], context: "LambdaContext") -> "PartialItemFailureResponse":
        """Process the records of an SQS event and report those that failed.

        Raises:
            ValueError: the event is no SQS event.
        """
        deliveries, unnamed = _split(event)
        self.processed.register(context)
        self.budget.begin(context)
        isolated = any(delivery.receive_count > 1 for delivery in deliveries)
        invocation = Invocation(context, context.get_remaining_time_in_millis() / 1000, isolated)
        try:
            if isolated:
                invocation.tally.count(MetricName.BATCH_ISOLATED)
                deliveries = self._isolate(deliveries, invocation)
            elif self.together is not None:
                self._settle_together(self.together, deliveries, invocation)
            failures = self._process(deliveries, invocation)
        finally:
            emit(invocation.tally, metrics)
            logger.thread_safe_clear_keys()
        # A record without an id cannot be reported, and Lambda deletes every message that is not reported. So an empty
        # identifier is returned: it fails the whole batch (AWS's documentation). All its messages are received again,
        # and idempotency makes sure that nothing is done twice.
        returned: list[PartialItemFailures] = [{"itemIdentifier": ""}] * unnamed
        return {"batchItemFailures": failures + returned}

    def _isolate(self, deliveries: Sequence[Delivery], invocation: Invocation) -> list[Delivery]:
        """Prepare the deliveries, and return them sorted: messages that may have killed a process come last."""
        candidates = on_threads(self.threads, lambda delivery: self.processor.prepare(delivery, invocation), deliveries)
        return [deliveries[index] for index in isolation_order(candidates)]

    def _settle_together(self, together: Together, deliveries: Sequence[Delivery], invocation: Invocation) -> None:
        """Settle the orders that share an article.

        Do nothing if too little time would remain to process every delivery afterwards.
        """
        orders = [delivery.order for delivery in deliveries if delivery.order is not None]
        if len(orders) < 2:
            return
        settings = self.processor.settings
        rounds = -(-len(deliveries) // self.threads)
        kept = ATTEMPT_SECONDS + rounds * settings.item_budget_seconds
        if invocation.remaining_seconds() < kept + settings.time_margin_seconds:
            return
        with self.budget.keeping(kept):
            invocation.together.update(together.settle(orders, invocation.count_conflict))

    def _process(self, deliveries: list[Any], invocation: Invocation) -> "list[PartialItemFailures]":
        processor = ThreadedBatchProcessor(1 if invocation.isolated else self.threads)
        with processor(deliveries, lambda delivery: self.processor.process(delivery, invocation)):
            processor.process()
        return processor.response()["batchItemFailures"]


def emit(tally: BatchMetrics, metrics: Metrics) -> None:
    """Add the counts and durations in `tally` to `metrics`. Call this from the main thread."""
    for metric, number in Counter(tally.counts).items():
        metrics.add_metric(metric.value, MetricUnit.Count, number)
    for metric, milliseconds in tally.durations:
        metrics.add_metric(metric.value, MetricUnit.Milliseconds, milliseconds)


def _split(event: object) -> tuple[list[Delivery], int]:
    """Return a delivery for each record with an id, and the number of records without one."""
    records = event.get("Records") if isinstance(event, Mapping) else None
    if not isinstance(records, list):
        # A TypeError would mean a wrong call of this function, but here the received data is wrong.
        raise ValueError("This is no SQS event: it has no list `Records`. The worker is invoked by its queue only.")  # noqa: TRY004
    deliveries = [Delivery.from_record(record) for record in records if isinstance(record, Mapping)]
    named = [delivery for delivery in deliveries if delivery.message_id]
    unnamed = len(records) - len(named)
    if unnamed:
        logger.error("records without messageId: the whole batch is returned to the queue", count=unnamed)
    return named, unnamed
