"""One alarm put on trial alone: what it does while its cause lasts and afterwards."""

from collections.abc import Iterable

from lab.simulation.cloudwatch.evaluator import AlarmRun
from lab.simulation.cloudwatch.evaluator_alarm import Behaviour, MetricAlarm, State
from lab.simulation.cloudwatch.evaluator_composite import CompositeAlarm
from lab.simulation.cloudwatch.evaluator_metrics import MetricStore
from lab.simulation.cloudwatch.scenarios import BEGIN, HORIZON, START


def on_trial(
    store: MetricStore, alarm: MetricAlarm, composites: Iterable[CompositeAlarm], behaviour: Behaviour
) -> AlarmRun:
    """Run the alarm alone; its composite sees every other member as silent, and nothing keeps it quiet."""
    heard_through = [
        CompositeAlarm(composite.name, f'ALARM("{alarm.name}")', composite.actions)
        for composite in composites
        if alarm.name in composite.alarms()
    ]
    return AlarmRun(store, [alarm], heard_through, behaviour).run(START + 50 * 60, START + (HORIZON - 1) * 60)


def verdict(store: MetricStore, alarm: MetricAlarm, composites: Iterable[CompositeAlarm]) -> tuple[State, ...]:
    """The states that the alarm enters, over what is published, from the moment on at which the cause begins."""
    run = on_trial(store, alarm, composites, Behaviour(5))
    begin = START + BEGIN * 60
    return tuple(change.state for change in run.changes if change.alarm == alarm.name and change.at >= begin)
