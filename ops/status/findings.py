"""Findings about a stack from its readings, and one verdict on them."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final

from ops.logic.counts import counted
from ops.logic.durations import show_duration
from ops.status.budgets import WINDOW, words
from ops.status.reading import Reading
from runtime.metric import MetricName

WAITING_SECONDS: Final = 900
"""Orders that wait longer are reported. This limit does not depend on the latency objective."""
_FAILING_SHARE: Final = 0.1
_QUOTA_SHARE: Final = 0.8
_NAMED: Final = 3


class Severity(IntEnum):
    """Urgency of a finding. The lowest value is the most urgent."""

    URGENT = 0
    """Customers are affected now, or orders will be lost."""
    WRONG = 1
    """Somebody has to act."""
    LOOK = 2
    """The problem is over or small, or affects no order."""
    BLIND = 3
    """A fault could go unseen."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is or was wrong, or that could hide a fault.

    Attributes:
        runbook: Where to read on if the commands are not enough: a file in docs/runbooks, and a heading in it. For an
            alarm: the address in the alarm's description.
        commands: The commands to type next.
    """

    severity: Severity
    text: str
    runbook: str | None = None
    commands: tuple[str, ...] = ()

    def as_json(self, completed: Callable[[str], str]) -> dict[str, Any]:
        """Return the finding as a JSON object. The function `completed` adds the stack's options to commands."""
        return {
            "severity": self.severity.name.lower(),
            "text": completed(self.text),
            "runbook": self.runbook,
            "next": [*map(completed, self.commands)],
        }


def findings_of(reading: Reading) -> list[Finding]:
    """Return everything that is or was wrong, or that could hide a fault, the most urgent first."""
    found = [finding for judge in _JUDGES for finding in judge(reading)]
    return sorted(found, key=lambda finding: finding.severity)


def verdict_of(reading: Reading, findings: Sequence[Finding]) -> str:
    """Return one line: all is well, or the most urgent finding."""
    if not findings:
        settled = int(reading.amount(MetricName.ORDER_CONFIRMED) + reading.amount(MetricName.ORDER_REJECTED))
        accepted = int(reading.amount(MetricName.ORDER_ACCEPTED))
        return f"All is well: {counted(accepted, 'order')} accepted and {settled} settled {reading.lately()}."
    first, more = findings[0], len(findings) - 1
    others = f" ({more} more below)" if more else ""
    text = f"{first.text[0].upper()}{first.text[1:]}".rstrip(".")
    match first.severity:
        case Severity.URGENT | Severity.WRONG:
            return f"Problem: {text}.{others}"
        case Severity.LOOK:
            return f"Nothing is wrong now. To look at: {text}.{others}"
        case Severity.BLIND:
            return f"Nothing wrong was found, but a fault could go unseen: {text}.{others}"


def _unread_sources(reading: Reading) -> Iterator[Finding]:
    for unread in reading.unread:
        if unread.gone or unread.wrong:
            problem = "does not exist" if unread.gone else "is wrong"
            yield Finding(Severity.URGENT, f"the {unread.what} {problem}: {unread.why}")
        else:
            yield Finding(Severity.BLIND, f"the {unread.what} could not be read: {unread.why}")


def _answers(reading: Reading) -> Iterator[Finding]:
    requests = int(reading.amount("requests"))
    failed, keys, what = int(reading.amount("5xx")), ("5xx",), "5xx"
    own = int(reading.amount(MetricName.DEPENDENCY_FAILURE))
    if own > failed:
        failed, keys, what = own, (MetricName.DEPENDENCY_FAILURE,), "503 (the callers do not know the outcome)"
    if not failed:
        return
    share = f"{failed} of {counted(requests, 'request')}" if requests >= failed else counted(failed, "request")
    severity = Severity.LOOK
    if reading.ongoing(*keys):
        few = requests >= failed and failed < requests * _FAILING_SHARE
        severity = Severity.WRONG if few else Severity.URGENT
    text = f"answered with {what}: {share} {reading.lately(*keys)}"
    commands = ("python -m ops orders open --older-than 15m",)
    yield Finding(severity, text, "api.md#api-failing", commands)


def _worker(reading: Reading) -> Iterator[Finding]:
    if reading.paused is not None:
        text = f"the worker is {reading.worker}, {reading.paused}; orders wait"
        yield Finding(Severity.WRONG, text, "processing.md#processing-failing", ("python -m ops worker resume --yes",))


def _attempts(reading: Reading) -> Iterator[Finding]:
    failed = int(reading.amount(MetricName.ATTEMPT_FAILED))
    if failed:
        settled = int(reading.amount(MetricName.ORDER_CONFIRMED) + reading.amount(MetricName.ORDER_REJECTED))
        many = failed >= (failed + settled) * _FAILING_SHARE
        severity = Severity.WRONG if many and reading.ongoing(MetricName.ATTEMPT_FAILED) else Severity.LOOK
        text = (
            f"{counted(failed, 'attempt')} to process orders failed {reading.lately(MetricName.ATTEMPT_FAILED)}; "
            f"{settled} succeeded"
        )
        commands = ("python -m ops orders open --older-than 15m",)
        yield Finding(severity, text, "processing.md#attempt-failure-rate", commands)


def _waiting(reading: Reading) -> Iterator[Finding]:
    age = (reading.metrics or {}).get("orders_age")
    if reading.orders is None or age is None or age.amount < WAITING_SECONDS:
        return
    kept = reading.orders.retention_seconds
    severity = Severity.URGENT if age.amount * 2 >= kept else Severity.WRONG
    text = (
        f"the oldest order has waited for {show_duration(age.amount)}; the queue deletes it after {show_duration(kept)}"
    )
    yield Finding(severity, text, "processing.md#oldest-message-age", ("python -m ops orders open --older-than 15m",))


def _dead_letters(reading: Reading) -> Iterator[Finding]:
    if reading.dead is None or not (count := reading.dead.visible + reading.dead.hidden):
        return
    age = (reading.metrics or {}).get("dead_age")
    kept = reading.dead.retention_seconds
    late = age is not None and age.amount * 2 >= kept
    oldest = "" if age is None else f", the oldest for {show_duration(age.amount)}"
    text = f"messages in the dead-letter queue: {count}{oldest}; the queue deletes them after {show_duration(kept)}"
    severity = Severity.URGENT if late else Severity.WRONG
    yield Finding(severity, text, "dead-letters.md#dead-letters", ("python -m ops dlq list",))


def _functions(reading: Reading) -> Iterator[Finding]:
    for key in reading.metrics or {}:
        kind, _, function = key.partition(" of ")
        count = int(reading.amount(key))
        if kind not in {"errors", "throttles"} or not count:
            continue
        severity = Severity.WRONG if reading.ongoing(key) else Severity.LOOK
        did = "died (crash, timeout or memory)" if kind == "errors" else "was throttled (no concurrency was left)"
        text = f"{function} {did} {counted(count, 'time')} {reading.lately(key)}"
        worker = function.endswith("-process-order")
        yield Finding(severity, text, "processing.md#processing-failing" if worker else "api.md#api-failing")
    used = reading.amount("concurrency")
    if reading.quota and used >= reading.quota * _QUOTA_SHARE:
        text = f"{int(used)} of the account's {reading.quota} concurrent executions were in use"
        yield Finding(Severity.WRONG, text, "capacity.md#account-concurrency")


def _subscribers(reading: Reading) -> Iterator[Finding]:
    replay = ("python -m ops order replay-events $ORDER_ID",)
    if lost := int(reading.amount("events_lost")):
        text = f"events neither delivered nor kept in a dead-letter queue: {lost} {reading.lately('events_lost')}"
        yield Finding(Severity.WRONG, text, "notifications.md#notifications-lost", replay)
    if failed := int(reading.amount("events_failed")):
        text = f"{counted(failed, 'delivery')} of events failed {reading.lately('events_failed')}"
        yield Finding(Severity.LOOK, text, "notifications.md#notifications-failed")
    for name, count in (reading.subscribers or {}).items():
        if count:
            text = (
                f"events in the dead-letter queue of {name}: {count}; "
                "they were not delivered, or the subscriber did not process them"
            )
            yield Finding(Severity.LOOK, text, "notifications.md#notifications-redriven", replay)
    for each in reading.silent:
        if each.rule is None:
            text = f"a subscription ({each.name}) is not confirmed: it receives no events"
        else:
            text = f"the bus's rule {each.rule} is disabled: {each.name} receives no events"
        yield Finding(Severity.LOOK, text)


def _alarms(reading: Reading) -> Iterator[Finding]:
    severities = {"page": Severity.URGENT, "notify": Severity.WRONG, "ticket": Severity.LOOK}
    for alarm in reading.alarms or ():
        if alarm.notifies and alarm.state == "ALARM":
            since = show_duration(reading.now - alarm.since.timestamp())
            text = f"the alarm {alarm.name} ({alarm.tier}) has been raised for {since}: {alarm.title}"
            yield Finding(severities[alarm.tier], text, alarm.runbook)


def _budgets(reading: Reading) -> Iterator[Finding]:
    for objective, percent in (reading.budgets or {}).items():
        if percent < 0:
            text = f"the error budget of {objective} in the last {WINDOW.days} days: {words(percent)}"
            yield Finding(Severity.LOOK, text, "capacity.md#budget-burning")


def _watchers(reading: Reading) -> Iterator[Finding]:
    if reading.alarms is None:
        return
    if not reading.alarms:
        yield Finding(Severity.BLIND, "the stack has no alarms: nobody is notified of problems")
        return
    silent = [alarm.name for alarm in reading.alarms if alarm.state == "INSUFFICIENT_DATA"]
    if silent and not reading.alarms_evaluated:
        text = "on the embedded AWS, the stack's metrics cannot raise alarms"
        yield Finding(Severity.BLIND, text)
    elif silent:
        text = (
            f"alarms that have no data and cannot be raised: {len(silent)} of {len(reading.alarms)} ({_some(silent)})"
        )
        yield Finding(Severity.BLIND, text)
    if muted := [alarm.name for alarm in reading.alarms if alarm.muted]:
        yield Finding(Severity.BLIND, f"alarms whose actions are turned off: {len(muted)} ({_some(muted)})")


def _receivers(reading: Reading) -> Iterator[Finding]:
    if reading.receivers is None or not reading.alarms:
        return
    if not any(each.confirmed for each in reading.receivers if each.topic == reading.page_topic):
        yield Finding(Severity.BLIND, "nobody is subscribed to pages, or no subscription is confirmed")
    elif pending := [each.protocol for each in reading.receivers if not each.confirmed]:
        text = f"unconfirmed subscriptions to alarms: {len(pending)} ({_some(pending)})"
        yield Finding(Severity.BLIND, text)


def _muted(reading: Reading) -> Iterator[Finding]:
    for mute in reading.mutes or ():
        if mute.active:
            until = "by a rule without an end" if mute.until is None else f"until {mute.until:%Y-%m-%d %H:%M} UTC"
            text = ", ".join(filter(None, (f"muted alarms: {len(mute.alarms)}", until, mute.text)))
            commands = ("python -m ops mute list",)
            yield Finding(Severity.BLIND, f"{text} ({_some(mute.alarms)})", commands=commands)


def _some(names: Sequence[str]) -> str:
    return ", ".join([*names[:_NAMED], *(["…"] if len(names) > _NAMED else [])])


_JUDGES: Final = (
    _unread_sources,
    _answers,
    _worker,
    _attempts,
    _waiting,
    _dead_letters,
    _functions,
    _subscribers,
    _alarms,
    _budgets,
    _watchers,
    _receivers,
    _muted,
)
