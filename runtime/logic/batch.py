"""A batch: in parallel when all is new, one by one when a record may have killed a process (ADR 0004)."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from runtime.logic.delivery import Delivery
from runtime.logic.failures import error_text_of
from runtime.logic.isolation import Candidate, isolation_order
from runtime.logic.message import concerned_order, named_correlation, named_order
from runtime.logic.processing import Invocation, OrderProcessor
from runtime.observability import Metric, logger, metrics
from runtime.store.call_budget import CallBudget
from runtime.store.processed_orders import ProcessedOrders

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse, PartialItemFailures
    from aws_lambda_powertools.utilities.typing import LambdaContext

Record = Mapping[str, Any]
T = TypeVar("T")
R = TypeVar("R")


class ThreadedBatchProcessor(BatchProcessor):
    """Powertools' batch processor, with its records on a few threads."""

    def __init__(self, threads: int) -> None:
        super().__init__(EventType.SQS, raise_on_entire_batch_failure=False)
        self._threads = threads

    def process(self) -> list[tuple[Any, ...]]:
        """Process every record; the results are in the order of the records."""
        return on_threads(self._threads, self._process_record, self.records)


def on_threads(threads: int, function: Callable[[T], R], items: Sequence[T]) -> list[R]:
    """`function` of every item, in order, on at most `threads` threads; on this one if one is enough."""
    workers = min(threads, len(items))
    if workers <= 1:
        return [function(item) for item in items]
    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(function, items))


class BatchRunner:
    """Runs the batches of one process."""

    def __init__(self, processor: OrderProcessor, processed: ProcessedOrders, budget: CallBudget, threads: int) -> None:
        self._processor = processor
        self._processed = processed
        self._budget = budget
        self._threads = threads

    def run(self, event: Mapping[str, Any], context: "LambdaContext") -> "PartialItemFailureResponse":
        """Process the records of an SQS event and report those that failed.

        Raises:
            ValueError: this is no SQS event.
        """
        records, unnamed = _split(event)
        self._processed.register(context)
        self._budget.begin(context)
        deliveries = [Delivery.from_record(record) for record in records]
        isolated = any(delivery.receive_count > 1 for delivery in deliveries)
        invocation = Invocation(context, context.get_remaining_time_in_millis() / 1000, isolated)
        try:
            if isolated:
                invocation.tally.count(Metric.BATCH_ISOLATED)
                records = self._isolate(records, deliveries, invocation)
            failures = self._process(records, invocation)
        finally:
            invocation.tally.emit(metrics)
            logger.thread_safe_clear_keys()
        # What has no id cannot be reported, and what is not reported is deleted. By AWS's documentation an empty
        # identifier fails the whole batch: all of it comes back, and what was done is done once.
        returned: list[PartialItemFailures] = [{"itemIdentifier": ""} for _ in unnamed]
        return {"batchItemFailures": failures + returned}

    def _process(self, records: Sequence[Record], invocation: Invocation) -> "list[PartialItemFailures]":
        def handle(record: SQSRecord) -> None:
            delivery = Delivery.from_record(record.raw_event)
            _log_as(delivery)
            self._processor.process(delivery, invocation)

        processor = ThreadedBatchProcessor(1 if invocation.isolated else self._threads)
        with processor([dict(record) for record in records], handle):
            processor.process()
        return processor.response()["batchItemFailures"]

    def _isolate(
        self, records: Sequence[Record], deliveries: Sequence[Delivery], invocation: Invocation
    ) -> list[Record]:
        """The records in the order that is kindest to the innocent. Nothing here can kill the process, so it is the
        place to look records up and to mark last attempts, in parallel and before anything is started."""

        def prepare(delivery: Delivery) -> Candidate:
            _log_as(delivery)
            if not self._processor.has_time(invocation):
                return Candidate(delivery.receive_count, None)
            self._processor.mark_last_attempt(delivery)
            return Candidate(delivery.receive_count, self._lease_end(delivery))

        candidates = on_threads(self._threads, prepare, deliveries)
        return [records[index] for index in isolation_order(candidates)]

    def _lease_end(self, delivery: Delivery) -> int | None:
        order_id, _ = concerned_order(delivery)
        if order_id is None:
            return None
        try:
            return self._processed.in_progress_until(order_id)
        except Exception as failure:  # noqa: BLE001 - only the order of the batch rests on it
            logger.warning("idempotency record not read", order_id=order_id, error=error_text_of(failure))
            # Not known to be innocent: after those who are, before those who are not.
            return 0


def _log_as(delivery: Delivery) -> None:
    """From here on this thread's lines are about this delivery. What its attributes say, its body may confirm."""
    logger.thread_safe_clear_keys()
    logger.thread_safe_append_keys(
        message_id=delivery.message_id,
        attempt=delivery.receive_count,
        order_id=named_order(delivery),
        correlation_id=named_correlation(delivery),
    )


def _split(event: object) -> tuple[list[Record], list[object]]:
    """The records that can be reported, and the others."""
    records = event.get("Records") if isinstance(event, Mapping) else None
    if not isinstance(records, list):
        # What was sent is wrong, not how this was called: no TypeError.
        raise ValueError("This is no SQS event: it has no list `Records`. The worker is invoked by its queue only.")  # noqa: TRY004
    named = [record for record in records if _is_named(record)]
    unnamed = [record for record in records if not _is_named(record)]
    if unnamed:
        logger.error("records without messageId: the whole batch is returned to the queue", count=len(unnamed))
    return named, unnamed


def _is_named(record: object) -> bool:
    return isinstance(record, Mapping) and isinstance(record.get("messageId"), str) and bool(record["messageId"])
