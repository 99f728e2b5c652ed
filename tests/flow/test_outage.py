"""Tests what docs/simulation.md says of outages and popular SKUs, with smaller numbers."""

from __future__ import annotations

import pytest

from lab.simulation.outage import Settings, Simulation, arrivals, down_for, group_fails
from lab.simulation.popular import Stock, sell
from lab.simulation.waiting import Message, Waiting


@pytest.mark.parametrize("failing_call_seconds", [0.1, 12.0])
@pytest.mark.parametrize("minutes", [5, 20])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_an_outage_dead_letters_nothing_good(minutes: int, failing_call_seconds: float, seed: int) -> None:
    # GIVEN a dependency that is down for minutes, and the stack's own settings
    outage = minutes * 60, failing_call_seconds
    simulation = Simulation(Settings.default(), down_for(*outage), seed, together=group_fails(*outage))
    # WHEN orders arrive all the time
    result = simulation.run(arrivals(1, minutes * 60 + 60))
    # THEN every one is done in the end
    assert result.dead == 0
    assert result.done > minutes * 60
    # AND some failed before: the outage was met
    assert result.most_receives > 1


def test_a_short_horizon_dead_letters_what_arrives_in_an_outage() -> None:
    # GIVEN the settings that are often seen: base 2 s, five receives
    settings = Settings.default(retry_base_seconds=2, max_receive_count=5)
    # WHEN a dependency is down for five minutes
    result = Simulation(settings, down_for(300, 0.1)).run(arrivals(1, 360))
    # THEN most of what arrived is dead
    assert result.dead > 200


@pytest.mark.parametrize("transaction_seconds", [0.012, 0.02, 0.03])
def test_one_sku_takes_two_hundred_orders_per_second(transaction_seconds: float) -> None:
    # GIVEN one SKU, and orders of it that are settled together
    stock = Stock(transaction_seconds)
    # WHEN 1000 orders/s arrive for twenty seconds
    result = sell(arrivals(1000, 20), stock)
    # THEN all are done, with receives to spare, and seldom is a transaction cancelled
    assert result.dead == 0
    assert result.most_receives <= 3
    assert result.per_second >= 200
    assert result.conflicts < 0.5 * result.done


def test_each_by_itself_one_sku_takes_a_fourth_of_that() -> None:
    # GIVEN one SKU, whose orders are transactions of their own
    # WHEN 1000 orders/s arrive for five seconds
    result = sell(arrivals(1000, 5), Stock(grouped=False))
    # THEN all are done, at no more than one transaction after the other
    assert result.dead == 0
    assert result.per_second <= 1 / 0.012


@pytest.mark.parametrize("sold_out", [False, True])
def test_what_groups_cannot_help_is_as_fast_without_them(sold_out: bool) -> None:
    # GIVEN one SKU that is sold out, or batches of ten SKUs
    def orders() -> list[Message]:
        return [Message(0 if sold_out else n / 1000, "" if sold_out else f"{n % 10}") for n in range(5000)]

    # WHEN their orders are settled together, or each by itself
    together, each = (sell(orders(), Stock(grouped=grouped, sold_out=sold_out)) for grouped in (True, False))
    # THEN that makes no difference
    assert together.per_second == pytest.approx(each.per_second, rel=0.01)


def test_without_retries_in_process_a_burst_costs_receives() -> None:
    # GIVEN workers that give a conflict back to the queue at once, as most do, with a short horizon
    settings = Settings.default(contention_seconds=0, retry_base_seconds=2, max_receive_count=5)
    # WHEN 1000 orders/s arrive for one SKU
    result = sell(arrivals(1000, 5), Stock(grouped=False), settings)
    # THEN many are dead
    assert result.dead > 1000


def test_the_settings_are_the_stacks_own() -> None:
    # GIVEN the simulation's settings
    settings = Settings.default()
    # WHEN they are compared with what the design promises
    # THEN they are the defaults of the stack
    assert (settings.max_receive_count, settings.retry_base_seconds, settings.retry_cap_seconds) == (8, 30, 900)
    assert settings.contention_seconds == 2


@pytest.mark.parametrize(("callers", "fair", "helped"), [(1, False, False), (1, True, True), (20, True, False)])
def test_a_flood_delays_quiet_callers_unless_its_callers_are_noisy(callers: int, fair: bool, helped: bool) -> None:
    # GIVEN a flood of 20,000 orders by one caller, or by many who have a small share each
    flood = [Message(number / 10_000, f"flood {number % callers}") for number in range(20_000)]
    # WHEN somebody else sends an order now and then
    result = Simulation(Settings.default(), down_for(0, 0), fair=fair).run([*flood, *arrivals(2, 5, "quiet")])
    # THEN these are done at once or wait behind the flood, and all are done
    assert (max(result.seconds["quiet"]) < 0.5) is helped
    assert result.done == len(flood) + len(result.seconds["quiet"])


def test_a_caller_whose_few_orders_take_long_is_noisy_too() -> None:
    # GIVEN one caller with two orders in flight that takes most of the processing time, and one who takes none
    waiting = Waiting(fair=True)
    slow = [Message(0, "slow"), Message(0, "slow")]
    waiting.worked(slow[0], 0, 10)
    # WHEN both have an order, the slow one's waiting for longer
    for message, moment in ((slow[1], 1), (Message(2, "quick"), 2)):
        waiting.add(message, moment)
    # THEN the other goes first
    assert [taken.group for _ in range(2) if (taken := waiting.take(10))] == ["quick", "slow"]
