"""Judges each guarantee by the evidence."""

import shlex
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass, replace
from typing import Any, Final, Self

from ops.audit.evidence import (
    AGAIN,
    API_RECORDS,
    DEAD_LETTERS,
    LOGS,
    ORDERS,
    QUEUE,
    SETTINGS,
    STOCK,
    WORKER_RECORDS,
    Doubt,
    Evidence,
    Receive,
    Taken,
)
from ops.gateway.stock import Count
from ops.logic.counts import counted
from ops.logic.dead_letter import MEANING, State
from runtime.models.order import OPEN_STATUSES, SETTLED_STATUSES, OrderStatus

_SILENT: Final = " (the log was not read that far back, or the worker died)"


@dataclass(frozen=True)
class Finding:
    """Result for one guarantee: its promise, what was counted, and what was found.

    Attributes:
        violations: Facts that break the guarantee.
        named: Remarks about facts that break no guarantee but deserve a look, and about what could not be checked.
    """

    name: str
    promise: str
    counted: str
    violations: Sequence[str]
    named: Sequence[str] = ()

    @property
    def ok(self) -> bool:
        """Return whether there are no violations."""
        return not self.violations

    def along_with(self, counted: str, violations: Sequence[str]) -> Self:
        """Return a copy of this finding with the given count and violations added."""
        return replace(self, counted=f"{self.counted}; {counted}", violations=[*self.violations, *violations])

    def with_texts(self, change: Callable[[str], str]) -> Self:
        """Return this finding with every violation and remark changed by `change`."""
        return replace(self, violations=[*map(change, self.violations)], named=[*map(change, self.named)])

    def as_json(self) -> dict[str, Any]:
        """Return the finding as a JSON object."""
        return {**vars(self), "ok": self.ok}


def judge(evidence: Evidence) -> list[Finding]:
    """Judge all guarantees.

    If a source that a guarantee needs could not be read, the finding has only the violations that a
    single row or record shows.
    """
    return [_judge(evidence, *row) for row in _JUDGES]


def _judge(evidence: Evidence, count: Callable[[Evidence], Finding], sources: Set[str]) -> Finding:
    finding = count(evidence)
    unread = [f"{what} could not be read: {why}" for what, why in evidence.unread.items() if what in sources]
    if not unread:
        return finding
    return replace(finding, counted="not known", violations=evidence.problems[finding.name], named=unread)


def nothing_lost(evidence: Evidence) -> Finding:
    """G1: every accepted order is final, or its message waits in the orders queue or is a dead letter."""
    broken, named = _without_message(evidence, {Doubt.OPEN, Doubt.UNSTORED})
    states = Counter(case.state for case in evidence.cases)
    named += [
        f"{case.letter.order_id or case.letter.message_id} is a dead letter in state {MEANING[case.state]}"
        for case in evidence.cases
        if case.state not in {State.FAILED, State.UNREADABLE, State.NOTIFICATION_MISSING}
    ]
    final = sum(evidence.statuses[status] for status in OrderStatus if status not in OPEN_STATUSES)
    parts = ", ".join(f"{count} {status}" for status, count in sorted(evidence.statuses.items()))
    orders = counted(evidence.statuses.total(), "order") + (f" ({parts})" if parts else "")
    return Finding(
        "G1",
        "nothing lost",
        f"{orders}, {final} final; {counted(evidence.waiting, 'message')} waiting, "
        f"{counted(states.total(), 'dead letter')}",
        [*evidence.problems["G1"], *broken],
        named,
    )


def one_effect(evidence: Evidence) -> Finding:
    """G2: the units that left the stock are the units of confirmed orders."""
    broken: list[str] = []
    named: list[str] = []
    unreferenced: set[str] = set()
    recounted: set[str] = set()
    for sku, before in sorted(evidence.before.items()):
        after, taken = evidence.after.get(sku), evidence.taken[sku]
        if before.available is None:
            look = f"python -m ops stock get {shlex.quote(sku)}"
            broken.append(f"the stock of {sku} is not a number: {before}. Next: {look}")
        elif before.available < 0:
            broken.append(f"the stock of {sku} is {before}, less than zero")
        elif before.opening is None:
            unreferenced.add(sku)
        elif after is None or after.available is None or (after.opening, after.counted_at) != _reference(before):
            recounted.add(sku)
            named.append(f"{sku} was counted, restocked or removed during the audit, so its stock is not checked")
        else:
            broken += _difference(sku, before, after, taken)
    if unreferenced:
        named.append(f"articles without a reference point: {len(unreferenced)}; `ops stock set` creates one")
    gone = sorted(evidence.taken.keys() - evidence.before.keys())
    named += [
        f"{sku} has {counted(evidence.taken[sku].sure, 'confirmed unit')} but no row in the stock table" for sku in gone
    ]
    judged = evidence.before.keys() - unreferenced - recounted
    confirmed = [evidence.taken[sku] for sku in judged if evidence.before[sku].opening is not None]
    if near := sum(taken.near for taken in confirmed):
        named.append(
            f"{counted(near, 'unit')} left the stock at about the time of a count; "
            "the audit cannot tell whether this was before or after the count"
        )
    return Finding(
        "G2",
        "one effect",
        f"stock of {counted(len(judged), 'article')} checked; "
        f"confirmed orders took {counted(sum(each.sure for each in confirmed), 'unit')} since the stock count",
        broken,
        named,
    )


def same_answer(evidence: Evidence) -> Finding:
    """G3: each stored answer matches its stored order, and each order got only one answer that was not a replay."""
    broken = list(evidence.problems["G3"])
    broken += [
        f"{order_id} got {times} answers that are not marked as replays"
        for order_id, times in evidence.firsts.items()
        if times > 1
    ]
    logged = f"; in the log {counted(evidence.firsts.total(), 'first answer')}, {counted(evidence.replays, 'replay')}"
    return Finding("G3", "same answer", counted(len(evidence.answers), "stored answer") + logged, broken)


def exact_retries(evidence: Evidence) -> Finding:
    """G4: no message is received more often than the queue allows, and no receive is in the log twice.

    No message is both processed and dead-lettered, and no order is processed twice. SQS may have moved a message to the
    dead-letter queue after fewer receives than the limit. Such a message is named, but it is no violation, because
    somebody may have raised the limit later.
    """
    attempts: defaultdict[str, list[Receive]] = defaultdict(list)
    for receive in evidence.receives:
        attempts[receive.message_id].append(receive)
    limit = evidence.max_receives
    broken: list[str] = []
    for message_id, found in attempts.items():
        numbers = [receive.attempt for receive in found]
        outcomes = {receive.outcome for receive in found}
        if limit is not None and max(numbers) > limit:
            broken.append(f"message {message_id} was received {max(numbers)} times, {limit} are allowed")
        if len(set(numbers)) != len(numbers):
            broken.append(f"message {message_id} has these receives in the log, some of them twice: {sorted(numbers)}")
        last = {receive.attempt for receive in found if receive.outcome == "failed"} & {limit}
        if "processed" in outcomes and (last or "dead-lettered" in outcomes):
            broken.append(f"message {message_id} was both dead-lettered and processed")
    done = Counter(one.order_id for one in evidence.receives if one.outcome == "processed" and not one.replayed)
    broken += [f"{order_id} was processed {times} times" for order_id, times in done.items() if times > 1]
    early = [
        f"{case.letter.order_id} is a dead letter after {counted(case.attempts, 'receive')}; "
        f"the queue allows {limit} now"
        for case in evidence.cases
        # The worker itself dead-letters some messages early. They have the attribute `attempt`; messages that SQS moved
        # do not.
        if case.letter.attempts is None and case.attempts is not None and limit is not None and case.attempts < limit
    ]
    failed = sum(any(one.outcome == "failed" for one in found) for found in attempts.values())
    silent = sum(max(one.attempt for one in found) - len({one.attempt for one in found}) for found in attempts.values())
    allowed = "no limit of receives is known" if limit is None else f"each may be received {limit} times"
    return Finding(
        "G4",
        "exact retries",
        f"{counted(len(attempts), 'message')} in the log, {failed} of them failed at least once; {allowed}; "
        f"{counted(silent, 'receive')} without a log line{_SILENT if silent else ''}",
        broken,
        early,
    )


def notified(evidence: Evidence) -> Finding:
    """G5: every settled order has a published event, or may still have a message.

    If an order has no published event but may still have a message, the finding names it (`named`).
    That is no violation. Orders that were settled after the cut-off, or that are older than the
    worker's records, are not checked; the finding says how many they are.
    """
    broken, named = _without_message(evidence, {Doubt.UNPUBLISHED})
    named += [
        f"{case.letter.order_id} is settled, but its event is not published: its message is a dead letter"
        for case in evidence.cases
        if case.state is State.NOTIFICATION_MISSING
    ]
    if evidence.forgotten:
        named.append(
            f"orders older than the worker's records: {evidence.forgotten}; "
            "nothing shows whether their events were published"
        )
    settled = sum(evidence.statuses[status] for status in SETTLED_STATUSES)
    return Finding(
        "G5",
        "notified",
        f"{counted(settled, 'settled order')}, {evidence.published} published (worker's records)"
        + (f", {evidence.late} settled after the cut-off and not checked" if evidence.late else ""),
        [*evidence.problems["G5"], *broken],
        named,
    )


def isolated(evidence: Evidence) -> Finding:
    """G6, as far as the data show: no order has two keys, and each dead letter names the caller of its order."""
    keys = Counter(evidence.answers.values())
    broken = [f"{count} keys lead to {order_id}" for order_id, count in keys.items() if count > 1]
    broken += [
        f"a dead letter of {case.letter.order_id} names another caller" for case in evidence.cases if case.foreign
    ]
    return Finding(
        "G6",
        "isolation",
        f"{counted(len(keys), 'order')} with {counted(len(evidence.answers), 'key')}; past look-ups cannot be checked",
        broken,
    )


def _reference(count: Count) -> tuple[int | None, str | None]:
    return count.opening, count.counted_at


def _difference(sku: str, before: Count, after: Count, taken: Taken) -> list[str]:
    """Compare the units that left the stock with the confirmed units.

    Both are ranges: the first because orders take units during the audit, the second because some orders were
    settled close to the reference point (`near`).
    """
    opening, first, last = before.opening or 0, before.available or 0, after.available or 0
    if taken.sure + taken.near >= opening - first and taken.sure <= opening - last:
        return []
    confirmed = f"{taken.sure}" if not taken.near else f"{taken.sure} to {taken.sure + taken.near}"
    left = f"{last}" if first == last else f"{last} to {first}"
    numbers = f"{opening} units counted or added, {confirmed} in confirmed orders, {left} in stock"
    return [f"{sku}: the numbers do not add up: {numbers}"]


def _without_message(evidence: Evidence, kinds: set[Doubt]) -> tuple[list[str], list[str]]:
    """Return violations and remarks about the orders that are in doubt for a reason in `kinds`.

    Such an order breaks no guarantee if the orders queue still has its message. If the queue has too
    few messages for these orders, the orders are violations; otherwise they are remarks.

    The audit counts the messages of the orders queue, but does not read them, because SQS would count
    each read as a receive. So nobody knows to which order a message belongs. Some orders need a
    message for G1, others for G5. For example, two orders need a message each for G1, and two other
    orders need one each for G5, but the queue has only three messages. Then the violation says that
    G1 or G5 is broken.
    """
    found = [f"{order_id}: {doubt}" for order_id, doubt in sorted(evidence.doubts.items()) if doubt in kinds]
    if not found:
        return [], []
    if not evidence.waiting:
        return [f"{text}, and no message is left" for text in found], []
    missing, others = len(found) - evidence.waiting, len(evidence.doubts) - len(found)
    if missing > 0:
        text = (
            f"orders without a message: at least {missing} of these {len(found)}; "
            f"the orders queue has only {evidence.waiting}"
        )
        return [text, *found], []
    if others <= evidence.waiting < len(evidence.doubts):
        text = (
            f"G1 or G5 is broken, but which of the two is not known: {len(evidence.doubts)} orders each need a "
            f"message, for G1 or for G5, and the orders queue has only {evidence.waiting}"
        )
        return [text, *found], []
    where = "its message may be in the orders queue (audit counts the messages there, but does not read them)"
    return [], [f"{text}; {where}" for text in found]


_JUDGES: Final[Sequence[tuple[Callable[[Evidence], Finding], Set[str]]]] = (
    (nothing_lost, {ORDERS, API_RECORDS, DEAD_LETTERS, QUEUE, AGAIN}),
    (one_effect, {ORDERS, STOCK}),
    (same_answer, {API_RECORDS, LOGS}),
    (exact_retries, {QUEUE, DEAD_LETTERS, LOGS}),
    (notified, {ORDERS, WORKER_RECORDS, SETTINGS, DEAD_LETTERS, QUEUE, AGAIN}),
    (isolated, {API_RECORDS, DEAD_LETTERS}),
)
