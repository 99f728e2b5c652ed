"""Rules between the options on how orders and events travel."""

from typing import TYPE_CHECKING

from components.config.problems import Problem

if TYPE_CHECKING:
    from components.config.stack_config import StackConfig

_FIFO = ".fifo"


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


MESSAGING_RULES = (one_at_a_time, ordered_subscribers)
