"""The names of our own metrics."""

from enum import StrEnum


class MetricName(StrEnum):
    """Our own metrics, in the namespace of the stack with the dimension `service` (`api` or `worker`)."""

    # api
    ORDER_ACCEPTED = "OrderAccepted"
    IDEMPOTENT_REPLAY = "IdempotentReplay"
    IDEMPOTENCY_CONFLICT = "IdempotencyConflict"
    """409: the first attempt with this key is still running."""
    IDEMPOTENCY_MISMATCH = "IdempotencyMismatch"
    """422: the key was used with another body."""
    DEPENDENCY_FAILURE = "DependencyFailure"
    """503: the outcome is unknown to the client."""

    # worker
    ORDER_CONFIRMED = "OrderConfirmed"
    ORDER_REJECTED = "OrderRejected"
    ATTEMPT_FAILED = "AttemptFailed"
    """One failed attempt at one message. Partial batch failures never show in Lambda's `Errors`."""
    LAST_ATTEMPT_FAILED = "LastAttemptFailed"
    """The last attempt at a message failed or did not start, so SQS moves the message to the dead-letter queue."""
    MESSAGE_DEAD_LETTERED = "MessageDeadLettered"
    """A message with a permanent failure: the worker itself sent it to the dead-letter queue."""
    ATTEMPT_DEFERRED = "AttemptDeferred"
    """The run did not start: too little time was left in this invocation, or an earlier run's lease had not ended."""
    ACCEPTED_TO_SETTLED = "AcceptedToSettledLatency"
    """Milliseconds from `accepted_at` to `settled_at`, recorded at most once per order."""
    BATCH_ISOLATED = "BatchIsolated"
    """An isolated batch: one of its messages was received before, so its messages run one at a time."""
    TRANSACTION_CONFLICT = "TransactionConflict"
    """A transaction, of one order or a group, that the worker tries again after a conflict or throttling."""
