"""The guarantees G1 to G5, counted from what the AWS APIs say when everything has come to rest (G6: `callers`)."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any

from local.demo.account import OPENING, Acceptance, Account, DeadLetter, Event, Receive

FINAL = frozenset({"CONFIRMED", "REJECTED", "DISCARDED"})
EVENT_TYPES = {"CONFIRMED": "order.confirmed", "REJECTED": "order.rejected"}
# The subscription of Pulumi.local.yaml that has no filter.
UNFILTERED = "everything"


@dataclass(frozen=True)
class Finding:
    """One guarantee: what it promises, what was counted, and what speaks against it."""

    name: str
    promise: str
    counted: str
    violations: Sequence[str]

    @property
    def ok(self) -> bool:
        """Whether it holds."""
        return not self.violations


@dataclass(frozen=True)
class Evidence:
    """What the APIs said, taken together once."""

    acceptances: Sequence[Acceptance]
    answers: Sequence[Mapping[str, Any]]
    orders: Mapping[str, Mapping[str, Any]]
    stock: Mapping[str, Mapping[str, Any]]
    receives: Sequence[Receive]
    dead_letters: Sequence[DeadLetter]
    waiting: int
    max_receives: int
    events: Sequence[Event]


def gather(account: Account) -> Evidence:
    """Ask every API once. Call it when the orders queue is empty."""
    return Evidence(
        acceptances=account.acceptances(),
        answers=account.answers(),
        orders=account.orders(),
        stock=account.stock(),
        receives=account.receives(),
        dead_letters=account.dead_letters(),
        waiting=account.waiting(),
        max_receives=account.max_receives(),
        events=account.events(UNFILTERED),
    )


def audit(evidence: Evidence) -> list[Finding]:
    """Judge all guarantees but G6, which takes several callers."""
    return [
        nothing_lost(evidence),
        one_effect(evidence),
        same_answer(evidence),
        exact_retries(evidence),
        notified(evidence),
    ]


def nothing_lost(evidence: Evidence) -> Finding:
    """G1: every order answered 202 has a final status or waits in a queue."""
    promised = {each.order_id for each in evidence.acceptances}
    dead = {letter.order_id for letter in evidence.dead_letters}
    status = {order_id: str(row["status"]) for order_id, row in evidence.orders.items()}
    violations = [
        f"{order_id} is {status.get(order_id, 'not stored')} and no message of it is left"
        for order_id in sorted(promised | status.keys())
        if status.get(order_id) not in FINAL and order_id not in dead and not evidence.waiting
    ]
    violations += [
        f"{order_id} is a dead letter and {status[order_id]}"
        for order_id in sorted(each for each in dead if each in status)
        if status[order_id] not in FINAL | {"FAILED"}
    ]
    found = Counter(status.values())
    counts = ", ".join(f"{count} {name}" for name, count in sorted(found.items()))
    return Finding(
        "G1",
        "nothing lost",
        f"{len(promised)} orders answered 202: {counts}; {evidence.waiting} waiting, {len(violations)} lost",
        violations,
    )


def one_effect(evidence: Evidence) -> Finding:
    """G2: stock moved once per confirmed order, and each key has one order."""
    taken: Counter[str] = Counter()
    for row in evidence.orders.values():
        if row["status"] == "CONFIRMED":
            taken.update({line["sku"]: int(line["quantity"]) for line in row["lines"]})
    violations = [
        f"{sku} had {row[OPENING]}, {taken[sku]} were confirmed, {row['available']} are left"
        for sku, row in evidence.stock.items()
        if int(row[OPENING]) - taken[sku] != int(row["available"]) or int(row["available"]) < 0
    ]
    keys_of = Counter(each["answer"]["order_id"] for each in evidence.answers)
    violations += [f"{count} keys lead to {order_id}" for order_id, count in keys_of.items() if count > 1]
    moved = sum(int(row[OPENING]) - int(row["available"]) for row in evidence.stock.values())
    return Finding(
        "G2",
        "one effect",
        f"{len(evidence.answers)} keys, {len(keys_of)} orders; {taken.total()} units confirmed, {moved} left the stock",
        violations,
    )


def same_answer(evidence: Evidence) -> Finding:
    """G3: each key has one stored answer, which is the one of its stored order; repeats are marked as replays."""
    violations = []
    for each in evidence.answers:
        answer = each["answer"]
        row = evidence.orders.get(answer["order_id"], {})
        different = [name for name in ("total", "currency", "accepted_at") if answer[name] != row.get(name)]
        violations += [f"{answer['order_id']}: {name} differs from the stored order" for name in different]
    first = Counter(each.order_id for each in evidence.acceptances if not each.replayed)
    violations += [f"{order_id} was answered {count} times as new" for order_id, count in first.items() if count > 1]
    replays = sum(each.replayed for each in evidence.acceptances)
    return Finding(
        "G3",
        "same answer",
        f"{len(evidence.acceptances)} answers 202: {first.total()} first ones, {replays} replays of "
        f"{len(evidence.answers)} stored answers",
        violations,
    )


def exact_retries(evidence: Evidence) -> Finding:
    """G4: a failing message is received `maxReceiveCount` times, then is a dead letter; no other message fails once.

    Two copies of one message, which SQS may always deliver, can meet: the later one then waits for the earlier, which
    costs it a receive and is no failure.
    """
    failed = _attempts(evidence, "failed")
    unreadable = _attempts(evidence, "dead-lettered")
    processed = _attempts(evidence, "processed")
    whole = list(range(1, evidence.max_receives + 1))
    violations = [
        f"message {message_id} failed at the receives {sorted(attempts)}, not at {whole}"
        for message_id, attempts in failed.items()
        if sorted(attempts) != whole
    ]
    violations += [f"message {message_id} failed and was processed" for message_id in failed.keys() & processed.keys()]
    effects = Counter(each.order_id for each in evidence.receives if each.outcome == "processed" and not each.replayed)
    violations += [f"{order_id} was processed {count} times" for order_id, count in effects.items() if count > 1]
    redriven = len(failed) + len(unreadable) - len(evidence.dead_letters)
    back = sum(len(ids) > 1 for ids in _messages_of(evidence, set(failed)).values())
    if redriven != back:
        violations.append(f"{redriven} dead letters are gone and {back} came back to the orders queue")
    return Finding(
        "G4",
        "exact retries",
        f"{len(failed)} failing: {evidence.max_receives} receives; {len(unreadable)} unreadable: 1 receive; "
        f"{len(processed)} others: no failure; dead letters: {len(evidence.dead_letters)} now, {redriven} redriven",
        violations,
    )


def _attempts(evidence: Evidence, outcome: str) -> dict[str, list[int]]:
    """Receives with this outcome, by message."""
    found: dict[str, list[int]] = defaultdict(list)
    for receive in evidence.receives:
        if receive.outcome == outcome:
            found[receive.message_id].append(receive.attempt)
    return found


def _messages_of(evidence: Evidence, failed: Set[str]) -> dict[str, set[str]]:
    """All messages of the orders that a failed message was about: a redrive makes a new one."""
    orders = {each.order_id for each in evidence.receives if each.message_id in failed}
    messages: dict[str, set[str]] = defaultdict(set)
    for receive in evidence.receives:
        if receive.order_id in orders and receive.order_id:
            messages[receive.order_id].add(receive.message_id)
    return messages


def notified(evidence: Evidence) -> Finding:
    """G5: every settled order's event is there, and all copies of it are the same bytes."""
    texts: dict[str, set[str]] = defaultdict(set)
    for event in evidence.events:
        texts[event.document["id"]].add(event.text)
    wanted = {
        f"{order_id}:{EVENT_TYPES[row['status']]}"
        for order_id, row in evidence.orders.items()
        if row["status"] in EVENT_TYPES
    }
    violations = [f"no subscriber got {missing}" for missing in sorted(wanted - texts.keys())]
    violations += [f"{extra} is the event of no settled order" for extra in sorted(texts.keys() - wanted)]
    violations += [f"{event_id} came with {len(found)} contents" for event_id, found in texts.items() if len(found) > 1]
    return Finding(
        "G5",
        "notified",
        f"{len(wanted)} settled orders, {len(texts)} different events, {len(evidence.events)} delivered",
        violations,
    )
