"""Tests that each alarm of the deployed stack fires for its cause, notifies a subscriber, and recovers.

Our own evaluator (lab/simulation/cloudwatch) decides the states, because the emulator's evaluator ignores dimensions,
math and missing data. The emulator has the alarms and delivers the notifications. For the alarms in
`REAL_CAUSES`, a second test also produces the cause itself on the emulator.
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
from tests.e2e.alarm_causes import CAUSING_METRIC, REAL_CAUSES, CauseContext
from tests.e2e.alarms import COLUMNS, REPORT, DeployedAlarms, Receivers, Shown

pytestmark = pytest.mark.e2e

TABLE = alarm_table(THRESHOLDS, LIMITS)
ROWS: tuple[Alarm | Composite, ...] = (*TABLE.alarms, *TABLE.composites)


@pytest.fixture(scope="module")
def alarms(stack: LocalStack) -> DeployedAlarms:
    return DeployedAlarms(stack)


@pytest.fixture(scope="module")
def receivers(stack: LocalStack) -> Receivers:
    return Receivers(stack)


@pytest.fixture(scope="module")
def context(stack: LocalStack, account: Account, api: OrdersApi, alarms: DeployedAlarms) -> CauseContext:
    numbers = count(1)
    return CauseContext(stack, account, api, alarms, lambda: f"alarm-cause-{next(numbers)}")


@pytest.fixture(scope="module")
def shown(request: pytest.FixtureRequest) -> Iterator[Shown]:
    table = Shown()
    yield table
    summary = table.write(REPORT, [row.name for row in ROWS])
    if reporter := request.config.pluginmanager.get_plugin("terminalreporter"):
        reporter.write_line(f"\n{summary}")


@pytest.mark.parametrize("row", TABLE.alarms, ids=lambda row: row.name)
def test_an_alarm_fires_and_recovers_with_notifications_that_link_to_its_runbook(
    alarms: DeployedAlarms, receivers: Receivers, shown: Shown, row: Alarm
) -> None:
    # GIVEN the metrics that AWS would publish if the alarm's cause happened
    store = publish(Phase(BEGIN, END, CAUSES[row.name]), step=step_of(alarms.in_scenario(row.name)))
    name, notifying = f"{alarms.prefix}-{row.name}", TABLE.composite_of(row.name) or row
    # If the alarm belongs to a pair, the pair's other alarm is set to ALARM first.
    pairs = notifying.pairs if isinstance(notifying, Composite) else ()
    others = [f"{alarms.prefix}-{other}" for pair in pairs if row.name in pair for other in pair if other != row.name]

    # WHEN the evaluator decides the states of the deployed alarm, and the alarm is set to each of these states
    decided = verdict(store, alarms.in_scenario(row.name), alarms.composite.values())
    for alarm, state in ((name, "OK"), *((other, "ALARM") for other in others)):
        receivers.set_state(alarm, state)
    receivers.receive()
    delivered = {}
    for state in decided:
        receivers.set_state(name, state)
        delivered[state] = receivers.receive_until(f"{alarms.prefix}-{notifying.name}", state)
    for other in others:
        receivers.set_state(other, "OK")

    # THEN the alarm fired once and recovered. For each state, the alarm (or its composite) sent one
    # notification to its tier, with the runbook's link
    link = runbook_link("docs/runbooks", notifying)
    for member in {row.name, notifying.name}:
        with shown.showing(member, *COLUMNS):
            assert decided == (State.ALARM, State.OK)
            for state in decided:
                assert [each.tier for each in delivered[state]] == [notifying.tier]
                assert delivered[state][0].description.endswith(f" Runbook: {link}")


@pytest.mark.parametrize("row", REAL_CAUSES)
def test_an_alarm_fires_for_its_real_cause_and_recovers_afterwards(
    context: CauseContext, shown: Shown, row: str
) -> None:
    # GIVEN a cause that happens on the stack. Its effects are published as metrics
    series = context.effects_of(row)

    # WHEN
    decided = verdict(
        publish(Phase(BEGIN, END, series)), context.alarms.in_scenario(row), context.alarms.composite.values()
    )

    # THEN
    assert series[CAUSING_METRIC[row]]
    assert decided == (State.ALARM, State.OK)
    shown.causes[row] = "made on the stack"


@pytest.mark.parametrize("composite", TABLE.composites, ids=lambda composite: composite.name)
def test_a_composite_notifies_once_when_all_its_members_fire_and_once_when_they_recover(
    alarms: DeployedAlarms, receivers: Receivers, composite: Composite
) -> None:
    # GIVEN
    members = [f"{alarms.prefix}-{row}" for row in composite.rows]
    receivers.receive()

    # WHEN all members fire, and then all recover
    received = []
    for state in ("ALARM", "OK"):
        for member in members:
            receivers.set_state(member, state)
        received += receivers.receive_until(f"{alarms.prefix}-{composite.name}", state)

    # THEN each of the composite's two states is delivered once. All other notifications are about composites that share
    # members with this composite
    name = f"{alarms.prefix}-{composite.name}"
    assert [each.state for each in received if each.alarm == name] == ["ALARM", "OK"]
    sharing = {f"{alarms.prefix}-{each.name}" for each in TABLE.composites if {*each.rows} & {*composite.rows}}
    assert {each.alarm for each in received} <= sharing
