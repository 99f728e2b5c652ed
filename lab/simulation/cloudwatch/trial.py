"""One alarm put on trial alone: what it does while its cause lasts and afterwards."""

from collections.abc import Iterable

from lab.simulation.cloudwatch.evaluator import AlarmRun
from lab.simulation.cloudwatch.evaluator_alarm import Behaviour, MetricAlarm, State
from lab.simulation.cloudwatch.evaluator_composite import CompositeAlarm
from lab.simulation.cloudwatch.evaluator_metrics import MetricStore
from lab.simulation.cloudwatch.scenarios import BEGIN, HORIZON, START, step_of


def on_trial(
    store: MetricStore, alarm: MetricAlarm, composites: Iterable[CompositeAlarm], behaviour: Behaviour
) -> AlarmRun:
    """Run the alarm alone, over minutes of the length that `step_of` gives it; nothing keeps its composite quiet.

    The composite sees every other member as silent, and the other row of its pair as in alarm.
    """
    heard_through = [
        CompositeAlarm(composite.name, f'ALARM("{alarm.name}")', composite.actions)
        for composite in composites
        if alarm.name in composite.alarms()
    ]
    step = step_of(alarm)
    return AlarmRun(store, [alarm], heard_through, behaviour).run(START + 50 * step, START + (HORIZON - 1) * step, step)


def verdict(store: MetricStore, alarm: MetricAlarm, composites: Iterable[CompositeAlarm]) -> tuple[State, ...]:
    """The states that the alarm enters, over what is published, from the moment on at which the cause begins."""
    run = on_trial(store, alarm, composites, Behaviour(5))
    begin = START + BEGIN * step_of(alarm)
    return tuple(change.state for change in run.changes if change.alarm == alarm.name and change.at >= begin)
