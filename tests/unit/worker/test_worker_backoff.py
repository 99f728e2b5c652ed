"""Tests how long messages and transactions wait before they are tried again."""

from hypothesis import example, given
from hypothesis import strategies as st

from runtime.logic.backoff import MAX_VISIBILITY_SECONDS, conflict_pause, retry_delay

chance = st.floats(0, 1, exclude_max=True)
bases, caps = st.integers(1, 1000), st.integers(1, MAX_VISIBILITY_SECONDS)


@given(receives=st.integers(-1, 10_000), base=bases, cap=caps, random=chance)
@example(receives=10_000, base=30, cap=900, random=0.999_999)
def test_a_delay_is_between_half_of_its_ceiling_and_the_ceiling(
    receives: int, base: int, cap: int, random: float
) -> None:
    # GIVEN the ceiling of an exponential backoff after some receives
    ceiling = min(cap, base * 2 ** max(receives - 1, 0))
    # WHEN a delay is drawn
    delay = retry_delay(receives, base=base, cap=cap, random=lambda: random)
    # THEN it is between half of the ceiling and the ceiling, and a whole number of seconds, as SQS requires
    assert ceiling / 2 <= delay <= ceiling
    assert type(delay) is int


@given(base=bases, cap=caps, random=chance)
def test_no_delay_is_shorter_than_the_delay_before(base: int, cap: int, random: float) -> None:
    # GIVEN the same random number at every receive
    # WHEN a message fails again and again
    delays = [retry_delay(n, base=base, cap=cap, random=lambda: random) for n in range(1, 20)]
    # THEN its delays never shrink, and none exceeds the cap
    assert delays == sorted(delays)
    assert max(delays) <= cap


def test_no_delay_is_longer_than_sqs_can_hide_a_message() -> None:
    # GIVEN a cap above the limit of SQS
    # WHEN a message fails for the hundredth time
    delay = retry_delay(100, base=30, cap=10 * MAX_VISIBILITY_SECONDS, random=lambda: 0.999_999)
    # THEN it is hidden for twelve hours
    assert delay == 12 * 3600


def test_the_shortest_and_the_longest_delay_are_possible() -> None:
    # GIVEN the first receive with a base of 30 s
    # WHEN the random number is the least and the greatest
    drawn = [retry_delay(1, base=30, cap=900, random=iter([number]).__next__) for number in (0.0, 0.999_999)]
    # THEN the least number gives half the base, and the greatest number gives the base
    assert drawn == [15, 30]


def test_default_retries_last_at_least_twenty_minutes() -> None:
    # GIVEN base 30 s, cap 900 s, eight receives, and the shortest random delays
    # WHEN a message fails each time
    horizon = sum(retry_delay(n, base=30, cap=900, random=lambda: 0.0) for n in range(1, 8))
    # THEN the eighth receive is more than twenty minutes after the first. So a message is received again after an
    # outage of twenty minutes
    assert horizon >= 20 * 60
    assert horizon == 15 + 30 + 60 + 120 + 240 + 450 + 450


@given(tries=st.integers(1, 10_000), random=chance)
def test_a_pause_between_tries_is_short_and_never_zero(tries: int, random: float) -> None:
    # GIVEN any number of tries
    # WHEN a transaction pauses after a conflict, before its next try
    pause = conflict_pause(tries, random=lambda: random)
    # THEN the pause is at least 1 ms and less than 0.4 s
    assert 0.001 <= pause < 0.4


def test_pauses_double_until_their_cap() -> None:
    # GIVEN the same random number at every try
    # WHEN the pauses between eight tries are drawn
    pauses = [round(conflict_pause(n, random=lambda: 0.5), 3) for n in range(1, 8)]
    # THEN each is twice the one before, up to the cap
    assert pauses == [0.01, 0.02, 0.04, 0.08, 0.16, 0.2, 0.2]
