"""Rules between the options on how orders and events travel."""

from typing import TYPE_CHECKING

from pipeline.config.problems import Problem

if TYPE_CHECKING:
    from pipeline.config.stack_config import StackConfig

_FIFO = ".fifo"
# What an order takes when all is well: some calls of AWS, one after the other.
ORDINARY_SECONDS = 0.1


def one_at_a_time(config: "StackConfig") -> Problem | None:
    """In a larger batch the followers of a failing order would lose their receives, and die with it."""
    if not config.strict_ordering or (config.batch_size == 1 and config.batch_window_seconds == 0):
        return None
    keys = ("batch_size", "batch_window_seconds")
    return Problem(
        (*keys, "strict_ordering"),
        f"batch_size = {config.batch_size}, batch_window_seconds = {config.batch_window_seconds} with strict_ordering",
        "batch_size: 1 and batch_window_seconds: 0, so that a failing order costs its caller's next ones no attempt",
    )


def one_by_one(config: "StackConfig") -> Problem | None:
    """After a failure a batch is worked off one by one: what cannot be begun in time has lost a receive for nothing.

    After an outage every batch is such a one, and larger ones would dead-letter orders that only had to wait.
    """
    left = config.worker_timeout_seconds - config.item_budget_seconds - config.time_margin_seconds
    # Where not even one fits, another rule says so.
    if left < 0 or (config.batch_size - 1) * ORDINARY_SECONDS <= left:
        return None
    keys = ("batch_size", "worker_timeout_seconds", "item_budget_seconds", "time_margin_seconds")
    return Problem(
        keys,
        ", ".join(f"{key} = {getattr(config, key)}" for key in keys),
        f"at most {int(left / ORDINARY_SECONDS) + 1} in a batch: {ORDINARY_SECONDS:g} seconds for each but the last "
        f"within timeout - item budget - margin = {left} seconds, because a batch with a retry in it runs one by one",
    )


def ordered_subscribers(config: "StackConfig") -> Problem | None:
    """A FIFO topic delivers to queues alone, and only a FIFO queue keeps the order on the way."""
    keys = ("subscriptions", "strict_ordering")
    for each in config.subscriptions:
        if config.strict_ordering and each.protocol != "sqs":
            return Problem(
                keys, f"{each.name} by {each.protocol} with strict_ordering", "protocol sqs: FIFO topics know no other"
            )
        if each.endpoint and each.protocol == "sqs" and each.endpoint.endswith(_FIFO) != config.strict_ordering:
            return Problem(
                keys,
                f"{each.name} at {each.endpoint} with strict_ordering = {str(config.strict_ordering).lower()}",
                "the ARN of a FIFO queue (.fifo) with strict_ordering, of a standard queue without",
            )
    return None


MESSAGING_RULES = (one_at_a_time, one_by_one, ordered_subscribers)
