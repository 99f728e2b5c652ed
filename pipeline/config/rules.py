"""Rules between fields. Each says what was given, what is allowed, and which keys to change."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from pipeline.config.alarm_rules import ALARM_RULES
from pipeline.config.api_rules import API_RULES
from pipeline.config.data_rules import DATA_RULES
from pipeline.config.delivery_rules import DELIVERY_RULES
from pipeline.config.events_rules import EVENTS_RULES
from pipeline.config.messaging_rules import MESSAGING_RULES
from pipeline.config.problems import Problem

if TYPE_CHECKING:
    from pipeline.config.stack_config import StackConfig

MIN_HORIZON_SECONDS = 20 * 60
MIN_TIME_MARGIN_SECONDS = 5
# What people have at least for a dead letter; half of it is when an alarm says so.
MIN_DEAD_LETTER_SECONDS = 3_600
# What passes before the first message of a batch is begun. Without it the last round, or the only one, never is.
START_SECONDS = 1
# The tags set by the program itself.
OWN_TAGS = frozenset({"Project", "Stack", "ManagedBy", "Environment", "Owner"})
MAX_EXTRA_TAGS = 50 - len(OWN_TAGS)
# How long SQS hides a message at most, counted from its receive, however often that is changed.
MAX_HIDDEN_SECONDS = 43_200

Rule = Callable[["StackConfig"], Problem | None]


def broken_rules(config: "StackConfig") -> list[Problem]:
    """Every rule that `config` breaks, in the order of this file."""
    return [problem for rule in RULES if (problem := rule(config))]


def retry_delays(base: int, cap: int, receives: int) -> Iterator[int]:
    """Longest delay in seconds after each failed receive but the last; equal jitter takes at least half of it."""
    return (min(cap, base * 2**attempt) for attempt in range(receives - 1))


def _values(config: "StackConfig", *keys: str) -> str:
    return ", ".join(f"{key} = {getattr(config, key)}" for key in keys)


def _visibility(config: "StackConfig") -> Problem | None:
    keys = ("queue_visibility_seconds", "worker_timeout_seconds", "batch_window_seconds")
    least = 6 * config.worker_timeout_seconds + config.batch_window_seconds
    if config.queue_visibility_seconds >= least:
        return None
    return Problem(
        keys, _values(config, *keys), f"visibility of at least 6 x worker timeout + batching window = {least} seconds"
    )


def _dead_letter_retention(config: "StackConfig") -> Problem | None:
    keys = ("dlq_retention_seconds", "queue_retention_seconds")
    least = config.queue_retention_seconds + MIN_DEAD_LETTER_SECONDS
    if config.dlq_retention_seconds >= least:
        return None
    allowed = (
        f"dead letters kept for at least {least} seconds, an hour longer than the queue's messages, because both count "
        "from the original send"
    )
    return Problem(keys, _values(config, *keys), allowed)


def _worker_memory_of_orders(config: "StackConfig") -> Problem | None:
    keys = ("worker_idempotency_ttl_seconds", "dlq_retention_seconds", "queue_retention_seconds")
    longest = config.dlq_retention_seconds + config.queue_retention_seconds
    if config.worker_idempotency_ttl_seconds > longest:
        return None
    allowed = (
        f"more than dead-letter retention + queue retention = {longest} seconds, so that a message redriven on its "
        "last day is still known"
    )
    return Problem(keys, _values(config, *keys), allowed)


def _time_of_a_batch(config: "StackConfig") -> Problem | None:
    keys = ("worker_timeout_seconds", "batch_size", "batch_threads", "item_budget_seconds", "time_margin_seconds")
    rounds = -(-config.batch_size // config.batch_threads)
    needed = rounds * config.item_budget_seconds + config.time_margin_seconds + START_SECONDS
    if needed <= config.worker_timeout_seconds:
        return None
    allowed = f"a timeout of at least ceil(batch / threads) x item budget + margin + {START_SECONDS} = {needed} seconds"
    return Problem(keys, _values(config, *keys), allowed)


def _time_margin(config: "StackConfig") -> Problem | None:
    # One attempt at an AWS call may take 4 seconds (1 to connect, 3 to read). On loopback none does.
    if config.time_margin_seconds >= MIN_TIME_MARGIN_SECONDS or config.environment == "local":
        return None
    allowed = (
        f"at least {MIN_TIME_MARGIN_SECONDS} seconds, so that a call begun before has ended and its message is "
        "given back before the function is stopped"
    )
    return Problem(("time_margin_seconds",), _values(config, "time_margin_seconds"), allowed)


def _backoff(config: "StackConfig") -> Problem | None:
    keys = ("retry_cap_seconds", "retry_base_seconds")
    if config.retry_cap_seconds >= config.retry_base_seconds:
        return None
    return Problem(keys, _values(config, *keys), f"a cap of at least the base, {config.retry_base_seconds} seconds")


def _hidden_at_most(config: "StackConfig") -> Problem | None:
    # The delay is asked for when an attempt has failed; batching and the attempt have used some of the time by then.
    keys = ("retry_cap_seconds", "worker_timeout_seconds", "batch_window_seconds")
    longest = MAX_HIDDEN_SECONDS - config.worker_timeout_seconds - config.batch_window_seconds
    if config.retry_cap_seconds <= longest:
        return None
    allowed = (
        f"a cap of at most 12 hours - worker timeout - batching window = {longest} seconds: SQS refuses to hide a "
        "message for longer than 12 hours from its receive, and it would come back much too soon"
    )
    return Problem(keys, _values(config, *keys), allowed)


def _horizon(config: "StackConfig") -> Problem | None:
    delays = retry_delays(config.retry_base_seconds, config.retry_cap_seconds, config.max_receive_count)
    least = sum(delays) / 2
    if config.short_retry_horizon or least >= MIN_HORIZON_SECONDS:
        return None
    keys = ("max_receive_count", "retry_base_seconds", "retry_cap_seconds")
    given = f"{_values(config, *keys)}: as little as {least:g} seconds from the first to the last receive"
    allowed = (
        f"at least {MIN_HORIZON_SECONDS} seconds, so that an ordinary outage dead-letters nothing (a test stack says "
        "short_retry_horizon: true)"
    )
    return Problem((*keys, "short_retry_horizon"), given, allowed)


def _retries_within_retention(config: "StackConfig") -> Problem | None:
    keys = ("queue_retention_seconds", "max_receive_count", "retry_cap_seconds", "queue_visibility_seconds")
    delays = retry_delays(config.retry_base_seconds, config.retry_cap_seconds, config.max_receive_count)
    longest = sum(max(delay, config.queue_visibility_seconds) for delay in delays)
    if config.queue_retention_seconds > longest:
        return None
    allowed = (
        f"more than the {longest} seconds that all retries can take, or SQS deletes messages before their last one"
    )
    return Problem(keys, _values(config, *keys), allowed)


def _short_horizon_in_production(config: "StackConfig") -> Problem | None:
    if not (config.short_retry_horizon and config.environment == "production"):
        return None
    return Problem(
        ("short_retry_horizon", "environment"),
        "true in production",
        "false in production: only tests may lose patience",
    )


def _batch_window(config: "StackConfig") -> Problem | None:
    keys = ("batch_window_seconds", "batch_size")
    if config.batch_size <= 10 or config.batch_window_seconds >= 1:
        return None
    return Problem(keys, _values(config, *keys), "a window of at least 1 second with batches above 10 (Lambda's rule)")


def _reserved_worker(config: "StackConfig") -> Problem | None:
    keys = ("worker_reserved_concurrency", "worker_max_concurrency")
    if config.worker_reserved_concurrency == -1 or config.worker_reserved_concurrency >= config.worker_max_concurrency:
        return None
    allowed = (
        f"at least worker_max_concurrency = {config.worker_max_concurrency} (or -1), or throttled batches cost "
        "messages their receives"
    )
    if config.worker_reserved_concurrency == 0:
        allowed += " and send every order to the dead-letter queue; to stop the worker: python -m ops worker pause"
    return Problem(keys, _values(config, *keys), allowed)


def _endpoint(config: "StackConfig") -> Problem | None:
    local = config.environment == "local"
    if local == bool(config.local_endpoint):
        return None
    allowed = "a URL with environment local, and none with any other: it turns off TLS for loopback"
    return Problem(
        ("local_endpoint", "environment"), f"{config.local_endpoint!r} with environment {config.environment}", allowed
    )


def _package_target(config: "StackConfig") -> Problem | None:
    if not config.package_for_this_machine or config.environment == "local":
        return None
    return Problem(
        ("package_for_this_machine", "environment"),
        f"true with environment {config.environment}",
        "true with environment local only: Lambda may be another machine",
    )


def _bytecode_release(config: "StackConfig") -> Problem | None:
    release = config.package_bytecode_release
    keys = ("package_bytecode_release", "python_version")
    if not release or release.startswith(f"{config.python_version}."):
        return None
    return Problem(keys, _values(config, *keys), f"a release of {config.python_version}, or empty")


def _bytecode_release_unused(config: "StackConfig") -> Problem | None:
    if not config.package_bytecode_release or (config.package_bytecode and not config.package_for_this_machine):
        return None
    other = "package_for_this_machine = true" if config.package_for_this_machine else "package_bytecode = false"
    return Problem(
        ("package_bytecode_release", *other.split(" = ")[:1]),
        f"{config.package_bytecode_release} with {other}",
        "empty: nothing is compiled by another Python than the one at hand then",
    )


def _subscription_names(config: "StackConfig") -> Problem | None:
    names = [each.name for each in config.subscriptions]
    doubled = sorted({name for name in names if names.count(name) > 1})
    return (
        Problem(("subscriptions",), f"the name {doubled[0]} twice", "a name of its own for each") if doubled else None
    )


def _subscription_clashes(config: "StackConfig") -> Problem | None:
    # A subscription's resources add -dlq and -queue to its name: `a` and `a-dlq` would both claim `a-dlq`.
    names = {each.name for each in config.subscriptions}
    taken = {f"{name}{suffix}" for name in names for suffix in ("-dlq", "-queue")}
    clash = sorted(names & taken)
    return (
        Problem(("subscriptions",), f"the name {clash[0]}", "a name without the ending -dlq or -queue")
        if clash
        else None
    )


def _extra_tags(config: "StackConfig") -> Problem | None:
    names = [tag.partition("=")[0] for tag in config.extra_tags]
    # IAM takes `team` and `Team` for the same name, and refuses a role that has both.
    folded = [name.lower() for name in (*OWN_TAGS, *names)]
    bad = sorted({name for name in names if folded.count(name.lower()) > 1 or name.lower().startswith("aws:")})
    if not bad and len(names) <= MAX_EXTRA_TAGS:
        return None
    given = f"the names {', '.join(bad)}" if bad else f"{len(names)} tags"
    return Problem(
        ("extra_tags",),
        given,
        f"names once each, whatever their case, none of {', '.join(sorted(OWN_TAGS))}, none starting with aws:, "
        f"at most {MAX_EXTRA_TAGS}",
    )


RULES: tuple[Rule, ...] = (
    _visibility,
    _dead_letter_retention,
    _worker_memory_of_orders,
    _time_of_a_batch,
    _time_margin,
    _backoff,
    _hidden_at_most,
    _horizon,
    _retries_within_retention,
    _short_horizon_in_production,
    _batch_window,
    _reserved_worker,
    _endpoint,
    _package_target,
    _bytecode_release,
    _bytecode_release_unused,
    _subscription_names,
    _subscription_clashes,
    _extra_tags,
    *ALARM_RULES,
    *API_RULES,
    *DATA_RULES,
    *DELIVERY_RULES,
    *EVENTS_RULES,
    *MESSAGING_RULES,
)
