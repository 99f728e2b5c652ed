"""Each alarm of the deployed stack fires for its cause, is delivered to a subscriber, and recovers.

Our own evaluator (tests/cloudwatch) decides about the states, because the emulator's ignores dimensions, math and
missing data. The deployed alarms, the delivery to the subscriber and the causes in `MADE` are those of the emulator.
"""

from collections.abc import Iterator
from itertools import count

import pytest

from components.alarms.component import runbook_link
from components.alarms.model import Alarm, Composite
from lab.simulation.cloudwatch.evaluator_alarm import State
from lab.simulation.cloudwatch.registered import LIMITS, THRESHOLDS
from lab.simulation.cloudwatch.scenarios import BEGIN, CAUSES, END, Phase, publish, step_of, verdict
from local.client import LocalStack
from local.demo.account import Account
from local.demo.http import OrdersApi
from pipeline.alarms import alarm_table
from tests.e2e.alarm_causes import LED_BY, MADE, Shop
from tests.e2e.alarms import COLUMNS, REPORT, Deployed, Receivers, Shown

pytestmark = pytest.mark.e2e

TABLE = alarm_table(THRESHOLDS, LIMITS)
HEARD: tuple[Alarm | Composite, ...] = (*TABLE.alarms, *TABLE.composites)


@pytest.fixture(scope="module")
def made(stack: LocalStack) -> Deployed:
    return Deployed(stack)


@pytest.fixture(scope="module")
def receivers(stack: LocalStack) -> Receivers:
    return Receivers(stack)


@pytest.fixture(scope="module")
def shop(stack: LocalStack, account: Account, api: OrdersApi, made: Deployed) -> Shop:
    numbers = count(1)
    return Shop(stack, account, api, made, lambda: f"alarm-cause-{next(numbers)}")


@pytest.fixture(scope="module")
def shown(request: pytest.FixtureRequest) -> Iterator[Shown]:
    noted = Shown()
    yield noted
    summary = noted.write(REPORT, [row.name for row in HEARD])
    if reporter := request.config.pluginmanager.get_plugin("terminalreporter"):
        reporter.write_line(f"\n{summary}")


@pytest.mark.parametrize("row", TABLE.alarms, ids=lambda row: row.name)
def test_an_alarm_fires_is_delivered_with_its_runbook_and_recovers(
    made: Deployed, receivers: Receivers, shown: Shown, row: Alarm
) -> None:
    # GIVEN the cause, as metrics that AWS would publish
    store = publish(Phase(BEGIN, END, CAUSES[row.name]), step=step_of(made.in_scenario(row.name)))
    name, heard_as = f"{made.prefix}-{row.name}", TABLE.composite_of(row.name) or row
    # If the alarm is one of a pair, the other one is in alarm already.
    pairs = heard_as.pairs if isinstance(heard_as, Composite) else ()
    others = [f"{made.prefix}-{other}" for pair in pairs if row.name in pair for other in pair if other != row.name]

    # WHEN the evaluator decides about the deployed alarm, and the alarm's state is set to each decision
    decided = verdict(store, made.in_scenario(row.name), made.composite.values())
    for alarm, state in ((name, "OK"), *((other, "ALARM") for other in others)):
        receivers.set_state(alarm, state)
    receivers.listen()
    delivered = {}
    for state in decided:
        receivers.set_state(name, state)
        delivered[state] = receivers.hear(f"{made.prefix}-{heard_as.name}", state)
    for other in others:
        receivers.set_state(other, "OK")

    # THEN it fired once and recovered, and each state was delivered once, to its tier, with the runbook's link
    link = runbook_link("docs/runbooks", heard_as)
    for member in {row.name, heard_as.name}:
        with shown.showing(member, *COLUMNS):
            assert decided == (State.ALARM, State.OK)
            for state in decided:
                assert [each.tier for each in delivered[state]] == [heard_as.tier]
                assert delivered[state][0].description.endswith(f" Runbook: {link}")


@pytest.mark.parametrize("row", MADE)
def test_a_real_cause_fires_its_alarm_and_its_end_recovers_it(shop: Shop, shown: Shown, row: str) -> None:
    # GIVEN a cause on the stack, whose effects are published as metrics
    series = shop.made(row)

    # WHEN
    decided = verdict(
        publish(Phase(BEGIN, END, series)), shop.deployed.in_scenario(row), shop.deployed.composite.values()
    )

    # THEN
    assert series[LED_BY[row]]
    assert decided == (State.ALARM, State.OK)
    shown.causes[row] = "made on the stack"


@pytest.mark.parametrize("composite", TABLE.composites, ids=lambda composite: composite.name)
def test_a_composite_notifies_once_for_any_number_of_members(
    made: Deployed, receivers: Receivers, composite: Composite
) -> None:
    # GIVEN
    members = [f"{made.prefix}-{row}" for row in composite.rows]
    receivers.listen()

    # WHEN all members fire, and then all recover
    told = []
    for state in ("ALARM", "OK"):
        for member in members:
            receivers.set_state(member, state)
        told += receivers.hear(f"{made.prefix}-{composite.name}", state)

    # THEN its two states are delivered once each; other notifications come only from composites that share members
    name = f"{made.prefix}-{composite.name}"
    assert [each.state for each in told if each.alarm == name] == ["ALARM", "OK"]
    sharing = {f"{made.prefix}-{each.name}" for each in TABLE.composites if {*each.rows} & {*composite.rows}}
    assert {each.alarm for each in told} <= sharing
