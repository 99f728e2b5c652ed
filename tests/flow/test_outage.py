"""Tests what docs/simulation.md says about outages and popular SKUs. The tests use smaller numbers."""

from __future__ import annotations

import pytest

from lab.simulation.outage import Settings, Simulation, arrivals, down_for, group_fails
from lab.simulation.popular import Stock, sell
from lab.simulation.waiting import Message, Waiting


@pytest.mark.parametrize("failing_call_seconds", [0.1, 12.0])
@pytest.mark.parametrize("minutes", [5, 20])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_no_order_is_dead_lettered_in_an_outage(minutes: int, failing_call_seconds: float, seed: int) -> None:
    # GIVEN a dependency that is down for 5 or 20 minutes, and the stack's default settings
    outage = minutes * 60, failing_call_seconds
    simulation = Simulation(Settings.default(), down_for(*outage), seed, together=group_fails(*outage))
    # WHEN orders arrive during and after the outage
    result = simulation.run(arrivals(1, minutes * 60 + 60))
    # THEN every order is processed in the end
    assert result.dead == 0
    assert result.done > minutes * 60
    # AND some orders needed several receives, so the outage had an effect
    assert result.most_receives > 1


def test_most_orders_of_an_outage_become_dead_letters_if_the_horizon_is_short() -> None:
    # GIVEN settings that are common elsewhere: a backoff that starts at 2 s, and five receives
    settings = Settings.default(retry_base_seconds=2, max_receive_count=5)
    # WHEN a dependency is down for five minutes
    result = Simulation(settings, down_for(300, 0.1)).run(arrivals(1, 360))
    # THEN most orders become dead letters
    assert result.dead > 200


@pytest.mark.parametrize("transaction_seconds", [0.012, 0.02, 0.03])
def test_two_hundred_orders_per_second_of_one_sku_are_processed(transaction_seconds: float) -> None:
    # GIVEN one SKU, and batches whose orders are settled together
    stock = Stock(transaction_seconds)
    # WHEN 1000 orders/s arrive for twenty seconds
    result = sell(arrivals(1000, 20), stock)
    # THEN at least 200 orders/s are processed, with few receives and few cancelled transactions
    assert result.dead == 0
    assert result.most_receives <= 3
    assert result.per_second >= 200
    assert result.conflicts < 0.5 * result.done


def test_orders_of_a_popular_sku_are_settled_one_after_another_if_each_has_its_own_transaction() -> None:
    # GIVEN one SKU, and one transaction per order
    # WHEN 1000 orders/s arrive for five seconds
    result = sell(arrivals(1000, 5), Stock(grouped=False))
    # THEN all orders are processed, at most 83 per second, because each transaction takes 12 ms
    assert result.dead == 0
    assert result.per_second <= 1 / 0.012


@pytest.mark.parametrize("sold_out", [False, True])
def test_settling_together_and_one_by_one_take_equally_long_for_a_sold_out_sku_and_for_ten_skus(sold_out: bool) -> None:
    # GIVEN orders of one SKU that is sold out, or of ten SKUs
    def orders() -> list[Message]:
        return [Message(0 if sold_out else n / 1000, "" if sold_out else f"{n % 10}") for n in range(5000)]

    # WHEN the orders are settled together, or in one transaction each
    together, each = (sell(orders(), Stock(grouped=grouped, sold_out=sold_out)) for grouped in (True, False))
    # THEN both ways take about the same time
    assert together.per_second == pytest.approx(each.per_second, rel=0.01)


def test_many_orders_of_a_burst_become_dead_letters_if_workers_try_once_per_receive() -> None:
    # GIVEN workers that try an order's transaction once per receive, and a short retry horizon
    settings = Settings.default(contention_seconds=0, retry_base_seconds=2, max_receive_count=5)
    # WHEN 1000 orders/s arrive for one SKU
    result = sell(arrivals(1000, 5), Stock(grouped=False), settings)
    # THEN many orders become dead letters
    assert result.dead > 1000


def test_the_simulation_has_the_expected_default_settings() -> None:
    # GIVEN / WHEN the simulation's settings are read from the config's defaults
    settings = Settings.default()
    # THEN they have the expected values
    assert (settings.max_receive_count, settings.retry_base_seconds, settings.retry_cap_seconds) == (8, 30, 900)
    assert settings.contention_seconds == 2


@pytest.mark.parametrize(("callers", "fair", "helped"), [(1, False, False), (1, True, True), (20, True, False)])
def test_a_fair_queue_helps_a_quiet_caller_if_one_caller_sends_the_flood(
    callers: int, fair: bool, helped: bool
) -> None:
    # GIVEN a flood of 20,000 orders by one caller, or by many callers with small shares
    flood = [Message(number / 10_000, f"flood {number % callers}") for number in range(20_000)]
    # WHEN a quiet caller sends two orders per second, on average
    result = Simulation(Settings.default(), down_for(0, 0), fair=fair).run([*flood, *arrivals(2, 5, "quiet")])
    # THEN the quiet caller's orders overtake the flood only if the queue is fair and one caller sends the flood. In
    # every case, all orders are processed
    assert (max(result.seconds["quiet"]) < 0.5) is helped
    assert result.done == len(flood) + len(result.seconds["quiet"])


def test_a_fair_queue_delays_a_caller_whose_few_orders_take_long_to_process() -> None:
    # GIVEN two callers. So far, only the first caller's order has used processing time
    waiting = Waiting(fair=True)
    slow = [Message(0, "slow"), Message(0, "slow")]
    waiting.processed(slow[0], 0, 10)
    # WHEN both callers have a waiting order, and the first caller's order has waited longer
    for message, moment in ((slow[1], 1), (Message(2, "quick"), 2)):
        waiting.add(message, moment)
    # THEN the other caller's order is received first
    assert [received.group for _ in range(2) if (received := waiting.receive(10))] == ["quick", "slow"]
