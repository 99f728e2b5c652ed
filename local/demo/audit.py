"""The guarantees G1 to G5, counted from what the AWS APIs say when everything has come to rest."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
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
    """Judge the guarantees that one anonymous caller can see."""
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
    """G4: a failing message is received `maxReceiveCount` times, every other message once."""
    by_message: dict[str, list[Receive]] = defaultdict(list)
    for receive in evidence.receives:
        by_message[receive.message_id].append(receive)
    violations, kinds = [], Counter[str]()
    for message_id, receives in by_message.items():
        attempts = sorted(receive.attempt for receive in receives)
        last = max(receives, key=lambda receive: receive.attempt).outcome
        allowed = evidence.max_receives if last == "failed" else 1
        kinds[last] += 1
        if attempts != list(range(1, allowed + 1)):
            violations.append(
                f"message {message_id}, {last} in the end, had the receives {attempts}, not 1 to {allowed}"
            )
    letters = len(evidence.dead_letters)
    redriven = _redriven(evidence)
    gone = kinds["failed"] + kinds["dead-lettered"] - redriven
    if gone != letters:
        violations.append(f"{gone} messages should be dead letters, there are {letters}")
    return Finding(
        "G4",
        "exact retries",
        f"{kinds['failed']} failing: {evidence.max_receives} receives each; {kinds['dead-lettered']} unreadable: 1 "
        f"receive; {kinds['processed']} others: 1 receive each; dead letters: {letters} now, {redriven} redriven",
        violations,
    )


def _redriven(evidence: Evidence) -> int:
    """Messages that came back from the dead-letter queue: a new message of an order that already had one."""
    messages = defaultdict(set)
    for receive in evidence.receives:
        if receive.order_id:
            messages[receive.order_id].add(receive.message_id)
    return sum(len(ids) - 1 for ids in messages.values())


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
