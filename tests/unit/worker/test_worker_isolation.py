"""Tests the sequence of an isolated batch, and how many receives killers cost the other messages."""

from dataclasses import dataclass
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from runtime.logic.isolation import Candidate, isolation_order

candidates = st.lists(
    st.builds(Candidate, receive_count=st.integers(1, 10), lease_end=st.none() | st.integers(0, 10**13)), max_size=10
)


@given(candidates)
def test_sorting_an_isolated_batch_keeps_every_record_once(given_: list[Candidate]) -> None:
    # GIVEN any batch
    # WHEN it is sorted
    # THEN every record is in the result exactly once
    assert sorted(isolation_order(given_)) == list(range(len(given_)))


@given(candidates)
def test_suspects_come_last_and_are_sorted_by_lease_end(given_: list[Candidate]) -> None:
    # GIVEN a batch in which some messages have an unfinished run
    # WHEN it is sorted
    ordered = [given_[index] for index in isolation_order(given_)]
    # THEN messages without an unfinished run come first, then the suspects by the end of their leases
    leases = [candidate.lease_end for candidate in ordered]
    free = leases.count(None)
    assert leases[:free] == [None] * free
    suspects = [lease for lease in leases if lease is not None]
    assert suspects == sorted(suspects)
    # AND among the messages without an unfinished run, those with more receives come first
    counts = [candidate.receive_count for candidate in ordered[:free]]
    assert counts == sorted(counts, reverse=True)


@dataclass
class Message:
    """A message of the simulated queue."""

    killer: bool
    receives: int = 0
    lease_end: int | None = None
    done: bool = False


def deliver(batch: list[Message], deadline: int, threads: int) -> None:
    """Simulate one invocation: parallel if all messages are new, else isolated. A killer ends the invocation."""
    for message in batch:
        message.receives += 1
    if any(message.receives > 1 for message in batch):
        states = [Candidate(message.receives, message.lease_end) for message in batch]
        order, threads = [batch[index] for index in isolation_order(states)], 1
    else:
        order = batch
    for parallel in (order[start : start + threads] for start in range(0, len(order), threads)):
        for message in parallel:
            message.lease_end = deadline
        if any(message.killer for message in parallel):
            return
        for message in parallel:
            message.done, message.lease_end = True, None


@settings(max_examples=300)
@given(
    kinds=st.lists(st.booleans(), min_size=1, max_size=25),
    seed=st.integers(0, 2**32),
    threads=st.integers(1, 5),
    most=st.integers(1, 10),
)
def test_with_n_killers_every_other_message_has_at_most_n_plus_two_receives(
    kinds: list[bool], seed: int, threads: int, most: int
) -> None:
    # GIVEN a queue with any number of killers. Each batch is drawn from the queue at random
    queue = [Message(killer) for killer in kinds]
    killers = sum(kinds)
    deadline, chance = 0, Random(seed)
    # WHEN batches are delivered until only killers are left
    while waiting := [message for message in queue if not message.done]:
        # The limit of 1000 stops the test if a wrong sequence never lets a message finish. It is far above the number
        # that the test asserts.
        if all(message.killer for message in waiting) or max(message.receives for message in waiting) > 1000:
            break
        chance.shuffle(waiting)
        deadline += 1
        deliver(waiting[:most], deadline, threads)
    # THEN every other message has at most `killers + 2` receives. It loses at most one receive per killer in isolated
    # batches, and at most one receive in total in parallel batches. It succeeds at the next receive
    assert max((message.receives for message in queue if not message.killer), default=0) <= killers + 2
