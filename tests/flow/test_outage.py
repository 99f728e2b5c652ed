"""What docs/simulation.md says of outages and popular SKUs, with smaller numbers."""

from __future__ import annotations

import pytest

from lab.simulation.outage import Settings, Simulation, arrivals, down_for, one_sku
from lab.simulation.waiting import Message, Waiting


@pytest.mark.parametrize("failing_call_seconds", [0.1, 12.0])
@pytest.mark.parametrize("minutes", [5, 20])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_an_outage_dead_letters_nothing_good(minutes: int, failing_call_seconds: float, seed: int) -> None:
    # GIVEN a dependency that is down for minutes, and the stack's own settings
    simulation = Simulation(Settings.default(), down_for(minutes * 60, failing_call_seconds), seed)
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


def test_a_burst_for_one_sku_dead_letters_nothing() -> None:
    # GIVEN one SKU, whose transactions take 12 ms
    simulation = Simulation(Settings.default(), one_sku())
    # WHEN 1000 orders/s arrive for five seconds
    result = simulation.run(arrivals(1000, 5))
    # THEN all are done, with receives to spare, at no more than one transaction after the other
    assert result.done > 4500
    assert result.dead == 0
    assert result.most_receives <= 4
    assert 40 <= result.per_second <= 1 / 0.012


def test_one_sku_keeps_up_with_forty_orders_per_second() -> None:
    # GIVEN one SKU
    simulation = Simulation(Settings.default(), one_sku())
    # WHEN 40 orders/s arrive for two minutes
    result = simulation.run(arrivals(40, 120))
    # THEN none waits for long: the workers keep up
    assert result.dead == 0
    assert result.oldest_seconds < 60


def test_without_retries_in_process_a_burst_costs_receives() -> None:
    # GIVEN workers that give a conflict back to the queue at once, as most do, with a short horizon
    settings = Settings.default(contention_seconds=0, retry_base_seconds=2, max_receive_count=5)
    # WHEN 1000 orders/s arrive for one SKU
    result = Simulation(settings, one_sku()).run(arrivals(1000, 5))
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
