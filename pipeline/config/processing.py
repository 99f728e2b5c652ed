"""Options of processing: queue, batches, retries."""

import math
from collections.abc import Iterator
from typing import Annotated

from pydantic import Field

from pipeline.config.functions import FunctionOptions
from pipeline.config.general import DAY
from pipeline.config.problems import Problem, values_of
from runtime.logic.together import GROUP_SECONDS
from runtime.settings import MAX_BATCH_THREADS
from runtime.store.call_times import ATTEMPT_SECONDS, LEAST_MARGIN_SECONDS

MIN_HORIZON_SECONDS = 20 * 60
# The dead-letter retention must exceed the queue's by at least this time, so that people can handle a dead letter. An
# alarm fires when a dead letter has waited for half of the difference between the two retentions.
MIN_DEAD_LETTER_SECONDS = 3_600
# Time before the first message of a batch starts. Without this reserve, too little time could be left to start the
# batch's last messages.
START_SECONDS = 1
# Before the first message starts, orders that share articles are settled in groups. The last try to
# settle a group starts at most `GROUP_SECONDS` after the first try, and can take `ATTEMPT_SECONDS`.
TOGETHER_SECONDS = math.ceil(GROUP_SECONDS + ATTEMPT_SECONDS)
# The longest time for which SQS hides a message. It counts from the receive, even if the visibility timeout is changed
# later.
MAX_HIDDEN_SECONDS = 43_200

Retention = Annotated[int, Field(ge=60, le=14 * DAY)]


class ProcessingOptions(FunctionOptions):
    """Options of the orders queue and the worker."""

    queue_visibility_seconds: int = Field(
        default=360,
        ge=0,
        le=43_200,
        description="Time until a message that killed its worker is received again.",
        json_schema_extra={
            "allowed": "a whole number from 0 to 43200, at least 6 x worker_timeout_seconds + batch_window_seconds"
        },
    )
    queue_retention_seconds: Retention = Field(
        default=4 * DAY, description="How long a message waits in the queue before SQS deletes it."
    )
    dlq_retention_seconds: Retention = Field(
        default=14 * DAY,
        description="How long SQS keeps a dead letter. If SQS moved it from a standard queue, the time counts from the "
        "original send.",
    )
    max_receive_count: int = Field(
        default=8, ge=5, le=1_000, description="Number of receives after which a failing message becomes a dead letter."
    )
    batch_size: int = Field(default=10, ge=1, le=10_000, description="Maximum of messages in one invocation.")
    batch_window_seconds: int = Field(
        default=0,
        ge=0,
        le=300,
        description="How long messages wait for a batch to fill; a longer wait costs less, but delays orders.",
    )
    batch_threads: int = Field(
        default=10,
        ge=1,
        le=MAX_BATCH_THREADS,
        description="How many messages of a batch run at the same time. If one of them was received before, they run "
        "one by one.",
    )
    item_budget_seconds: int = Field(
        default=20,
        ge=1,
        le=900,
        description="Time for one message; a message starts only if this time and time_margin_seconds are left.",
    )
    time_margin_seconds: int = Field(
        default=LEAST_MARGIN_SECONDS,
        ge=1,
        le=900,
        description="Time kept at the end of an invocation to return unfinished messages to the queue and to report "
        "failures.",
    )
    worker_max_concurrency: int = Field(
        default=10, ge=2, le=1_000, description="Maximum of concurrent workers, which limits the load on the tables."
    )
    retry_base_seconds: int = Field(
        default=30,
        ge=1,
        le=43_200,
        description="Longest delay after the first failure; each further failure doubles it.",
    )
    retry_cap_seconds: int = Field(
        default=900,
        ge=1,
        le=43_200,
        description="Longest delay after any failure. If the order's lease can last longer, the "
        "delay lasts until the lease has certainly ended.",
    )
    short_retry_horizon: bool = Field(
        default=False,
        description="Allows settings that end an order's retries in less than 20 minutes. Then even a short outage can "
        "make orders dead letters. For tests only.",
    )
    worker_idempotency_ttl_seconds: int = Field(
        default=30 * DAY, ge=DAY, le=365 * DAY, description="How long the worker's idempotency records are kept."
    )


def retry_delays(base: int, cap: int, receives: int) -> Iterator[int]:
    """Yield the upper limit, in seconds, of the delay after each failed receive but the last.

    Jitter shortens a delay by at most half.
    """
    return (min(cap, base * 2**attempt) for attempt in range(receives - 1))


def _visibility(config: ProcessingOptions) -> Problem | None:
    keys = ("queue_visibility_seconds", "worker_timeout_seconds", "batch_window_seconds")
    least = 6 * config.worker_timeout_seconds + config.batch_window_seconds
    if config.queue_visibility_seconds >= least:
        return None
    return Problem(
        keys, values_of(config, *keys), f"visibility of at least 6 x worker timeout + batching window = {least} seconds"
    )


def _dead_letter_retention(config: ProcessingOptions) -> Problem | None:
    keys = ("dlq_retention_seconds", "queue_retention_seconds")
    least = config.queue_retention_seconds + MIN_DEAD_LETTER_SECONDS
    if config.dlq_retention_seconds >= least:
        return None
    allowed = (
        f"dead letters kept for at least {least} seconds, an hour longer than the queue's messages, because on a "
        "standard queue both retentions count from the original send"
    )
    return Problem(keys, values_of(config, *keys), allowed)


def _worker_idempotency_ttl(config: ProcessingOptions) -> Problem | None:
    keys = ("worker_idempotency_ttl_seconds", "dlq_retention_seconds", "queue_retention_seconds")
    longest = config.dlq_retention_seconds + config.queue_retention_seconds
    if config.worker_idempotency_ttl_seconds > longest:
        return None
    allowed = (
        f"more than dead-letter retention + queue retention = {longest} seconds, because the record must "
        "outlive the message, and a dead letter can be redriven on its last day"
    )
    return Problem(keys, values_of(config, *keys), allowed)


def _time_of_a_batch(config: ProcessingOptions) -> Problem | None:
    keys = ("worker_timeout_seconds", "batch_size", "batch_threads", "item_budget_seconds", "time_margin_seconds")
    rounds = -(-config.batch_size // config.batch_threads)
    # A batch of one message (as with strict ordering) has no group. On the embedded AWS, calls are fast.
    together = config.batch_size > 1 and config.environment != "local"
    before = START_SECONDS + (TOGETHER_SECONDS if together else 0)
    needed = rounds * config.item_budget_seconds + config.time_margin_seconds + before
    if needed <= config.worker_timeout_seconds:
        return None
    allowed = (
        f"a timeout of at least ceil(batch / threads) x item budget + margin + {before} = {needed} seconds, "
        f"because up to {before} s can pass before the first message starts"
    )
    return Problem(keys, values_of(config, *keys), allowed)


def _time_margin(config: ProcessingOptions) -> Problem | None:
    # On loopback all calls are fast.
    if config.time_margin_seconds >= LEAST_MARGIN_SECONDS or config.environment == "local":
        return None
    allowed = (
        f"at least {LEAST_MARGIN_SECONDS} seconds, so that the last call can end, and the worker "
        "can try twice to return the message to the queue, before Lambda stops the function"
    )
    return Problem(("time_margin_seconds",), values_of(config, "time_margin_seconds"), allowed)


def _backoff(config: ProcessingOptions) -> Problem | None:
    keys = ("retry_cap_seconds", "retry_base_seconds")
    if config.retry_cap_seconds >= config.retry_base_seconds:
        return None
    return Problem(keys, values_of(config, *keys), f"a cap of at least the base, {config.retry_base_seconds} seconds")


def _hidden_at_most_12_hours(config: ProcessingOptions) -> Problem | None:
    # The delay is set after an attempt has failed. By then, the batching window and the attempt have used up a part of
    # the 12 hours.
    keys = ("retry_cap_seconds", "worker_timeout_seconds", "batch_window_seconds")
    longest = MAX_HIDDEN_SECONDS - config.worker_timeout_seconds - config.batch_window_seconds
    if config.retry_cap_seconds <= longest:
        return None
    allowed = (
        f"a cap of at most {longest} seconds (12 hours minus worker timeout minus batching window), "
        "because SQS refuses a delay that ends more than 12 hours after the receive. After such a "
        "refusal, the message returns too early, when its visibility timeout ends"
    )
    return Problem(keys, values_of(config, *keys), allowed)


def _horizon(config: ProcessingOptions) -> Problem | None:
    delays = retry_delays(config.retry_base_seconds, config.retry_cap_seconds, config.max_receive_count)
    least = sum(delays) / 2
    if config.short_retry_horizon or least >= MIN_HORIZON_SECONDS:
        return None
    keys = ("max_receive_count", "retry_base_seconds", "retry_cap_seconds")
    given = f"{values_of(config, *keys)}: as little as {least:g} seconds from the first to the last receive"
    allowed = (
        f"at least {MIN_HORIZON_SECONDS} seconds, because otherwise an ordinary outage makes orders dead letters; or "
        "short_retry_horizon: true on a test stack"
    )
    return Problem((*keys, "short_retry_horizon"), given, allowed)


def _retries_within_retention(config: ProcessingOptions) -> Problem | None:
    keys = ("queue_retention_seconds", "max_receive_count", "retry_cap_seconds", "queue_visibility_seconds")
    delays = retry_delays(config.retry_base_seconds, config.retry_cap_seconds, config.max_receive_count)
    longest = sum(max(delay, config.queue_visibility_seconds) for delay in delays)
    if config.queue_retention_seconds > longest:
        return None
    allowed = (
        f"more than the {longest} seconds that all retries can take, because otherwise SQS can delete a message "
        "before its last retry"
    )
    return Problem(keys, values_of(config, *keys), allowed)


def _short_horizon_in_production(config: ProcessingOptions) -> Problem | None:
    if not (config.short_retry_horizon and config.environment == "production"):
        return None
    return Problem(
        ("short_retry_horizon", "environment"),
        "true in production",
        "false in production; true is for tests only",
    )


def _batch_window(config: ProcessingOptions) -> Problem | None:
    keys = ("batch_window_seconds", "batch_size")
    if config.batch_size <= 10 or config.batch_window_seconds >= 1:
        return None
    return Problem(
        keys,
        values_of(config, *keys),
        "a window of at least 1 second with batches of more than 10 messages (Lambda's rule)",
    )


def _reserved_worker(config: ProcessingOptions) -> Problem | None:
    keys = ("worker_reserved_concurrency", "worker_max_concurrency")
    if config.worker_reserved_concurrency == -1 or config.worker_reserved_concurrency >= config.worker_max_concurrency:
        return None
    allowed = (
        f"at least worker_max_concurrency = {config.worker_max_concurrency} (or -1), because a "
        "throttled batch uses up one receive of each of its messages"
    )
    if config.worker_reserved_concurrency == 0:
        allowed += "; with 0 every order becomes a dead letter (to stop the worker: python -m ops worker pause)"
    return Problem(keys, values_of(config, *keys), allowed)


PROCESSING_RULES = (
    _visibility,
    _dead_letter_retention,
    _worker_idempotency_ttl,
    _time_of_a_batch,
    _time_margin,
    _backoff,
    _hidden_at_most_12_hours,
    _horizon,
    _retries_within_retention,
    _short_horizon_in_production,
    _batch_window,
    _reserved_worker,
)
