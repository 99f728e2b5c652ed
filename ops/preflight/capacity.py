"""Compares the account's quota of concurrent executions in the Region with what the stack may need at once.

Throttling is more than a delay. Lambda receives messages from SQS before it invokes the worker. If the worker is
throttled, SQS counts a receive of each message, although the worker does not get the message. If the API is throttled,
its callers get a 5xx.
"""

from collections.abc import Iterator
from typing import Final

from ops.preflight.finding import Finding, Verdict
from ops.preflight.stack_facts import StackFacts
from pipeline.config import StackConfig
from pipeline.config.alarm_thresholds import changed_thresholds
from pipeline.functions import FUNCTIONS

# Functions without a reservation share at least this many executions. PutFunctionConcurrency refuses a reservation that
# would leave fewer.
_UNRESERVABLE: Final = 100
_USUAL_QUOTA: Final = 1_000
_THRESHOLD: Final = "account_concurrency"


def capacity(facts: StackFacts) -> Iterator[Finding]:
    """Check the concurrency of the worker and the API, and the alarm on concurrency."""
    limits = facts.client("lambda").get_account_settings()["AccountLimit"]
    quota = limits["ConcurrentExecutions"]
    yield concurrency(facts.config, quota, limits["UnreservedConcurrentExecutions"] + _reserved_now(facts))
    if facts.config.alarms:
        yield alarm(facts.config, quota)


def concurrency(config: StackConfig, quota: int, free: int) -> Finding:
    """Check whether this stack has enough executions.

    `free`: the quota, minus the executions that functions outside this stack have reserved.
    """
    of_api, of_worker = config.api_reserved_concurrency, config.worker_reserved_concurrency
    reserved = (len(FUNCTIONS) - 1) * max(of_api, 0) + max(of_worker, 0)
    pool = free - reserved
    if reserved and pool < _UNRESERVABLE:
        return _short(
            f"{reserved} of {free} would be reserved; Lambda keeps {_UNRESERVABLE} for functions without a reservation",
            reserved + _UNRESERVABLE + quota - free,
            "or reserve fewer: worker_reserved_concurrency, api_reserved_concurrency",
        )
    worker = 0 if of_worker >= 0 else config.worker_max_concurrency
    if worker >= pool:
        return _short(
            f"the worker alone can use {worker} executions, but only {pool} are free for all functions without a "
            f"reservation (quota {quota}). If all are in use, the worker does not get its messages, but SQS counts the "
            "receives. An API without reserved concurrency then answers 503",
            quota - pool + worker + config.throttle_burst,
            f"or fewer workers: pulumi config set worker_max_concurrency {max(2, pool // 2)}",
        )
    left = pool - worker
    if of_api < 0 and left < config.throttle_burst:
        return _short(
            f"throttle_burst allows {config.throttle_burst} requests at once. When all workers run, only {left} of "
            f"these requests can run (quota {quota}), and the others get 503",
            quota - left + config.throttle_burst,
            f"or allow fewer: pulumi config set throttle_burst {max(1, left)}",
            Verdict.WARNING,
        )
    return Finding("Lambda's concurrency", Verdict.OK, f"quota {quota}; functions without a reservation share {pool}")


def alarm(config: StackConfig, quota: int) -> Finding:
    """Check whether `account_concurrency`, which sets the alarm's threshold, is the real quota."""
    name = "alarm on concurrency"
    configured = changed_thresholds(config.alarm_thresholds).account_concurrency
    if configured == quota:
        return Finding(name, Verdict.OK, f"{_THRESHOLD} is the quota of {quota}")
    key = next(
        (index for index, each in enumerate(config.alarm_thresholds) if each.startswith(f"{_THRESHOLD}=")),
        len(config.alarm_thresholds),
    )
    effect = "too late or never" if configured > quota else "too early"
    return Finding(
        name,
        Verdict.WARNING,
        f"{_THRESHOLD} is {configured}, but the quota is {quota}: the alarm would fire {effect}",
        (f"pulumi config set --path 'alarm_thresholds[{key}]' {_THRESHOLD}={quota}",),
    )


def _short(found: str, wanted: int, other: str, verdict: Verdict = Verdict.ERROR) -> Finding:
    raise_it = (
        "aws service-quotas request-service-quota-increase --service-code lambda --quota-code L-B99A9384 "
        f"--desired-value {max(wanted, _USUAL_QUOTA)}"
    )
    return Finding("Lambda's concurrency", verdict, found, (raise_it, other))


def _reserved_now(facts: StackFacts) -> int:
    """Return the executions that this stack's functions reserve now; the next `pulumi up` may change them."""
    client, outputs = facts.client("lambda"), facts.outputs or {}
    names = [value for name, value in outputs.items() if name.endswith("_function")]
    found = [client.get_function_concurrency(FunctionName=name) for name in names]
    return sum(each.get("ReservedConcurrentExecutions", 0) for each in found)
