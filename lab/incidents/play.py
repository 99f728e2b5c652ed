"""Simulates an incident: a healthy hour, the fault, the repair, and the commands and hours after the repair."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lab.incidents.cases import Incident
from lab.incidents.shop import Shop
from lab.incidents.stack import MINUTE, CommandResult, Stack, simulated_stack, topics
from lab.simulation import invariants
from lab.simulation.cloudwatch.evaluator_alarm import State
from lab.simulation.cloudwatch.registered import PREFIX

_HEALTHY_MINUTES = 60
_AFTER_MINUTES = 120
_LAST_TRIES = 3


@dataclass(frozen=True)
class Played:
    """The facts of one simulated incident, for the table.

    Attributes:
        pages, others: Alarms that notified before the repair: those of the tier `page`, and all others. Each item is an
            alarm's name and the minutes from the fault to the alarm's first notification.
        status: The first line of `ops status`. The command runs when the first alarm pages. If no alarm pages, the
            command runs before the repair.
        commands: The typed commands.
        lost, doubled: Violations of the guarantees G1 (nothing is lost) and G2 (nothing is done twice) at the end.
        odd: Failed commands, messages that remain in a queue, and violations that `ops audit` found.
    """

    incident: Incident
    pages: Sequence[tuple[str, int]]
    others: Sequence[tuple[str, int]]
    status: str
    commands: Sequence[str]
    lost: Sequence[str]
    doubled: Sequence[str]
    odd: Sequence[str]


def play(incident: Incident) -> Played:
    """Play one incident."""
    with simulated_stack() as stack:
        shop = Shop(stack, incident.per_hour)
        shop.minutes(_HEALTHY_MINUTES)
        begun = int(stack.world.cloud.clock.now)
        incident.begin(shop)
        status = None
        for _ in range(incident.minutes):
            shop.minute()
            if status is None and list(_notices(stack, begun, page=True)):
                status = stack.type("status")
        status = status or stack.type("status")
        pages, others = (list(_notices(stack, begun, page=page)) for page in (True, False))
        incident.end(shop)
        typed = list(_run_commands(incident, shop))
        world, audit = stack.world, stack.type("audit", "--cut-off", "0s")
        odd = [f"{command}: exit code {done.code}: {done.err}" for command, done in typed if done.code]
        odd += [
            f"{queue.name}: {len(queue.messages)} left"
            for queue in (world.orders_queue, world.dead_letters)
            if queue.messages
        ]
        odd += [line for line in audit.out.splitlines() if line.startswith("!!")]
        return Played(
            incident,
            pages,
            others,
            re.sub(r" \(\d+ more below\)", "", status.out.splitlines()[0]),
            [command for command, _ in typed],
            invariants.nothing_lost(world),
            invariants.one_effect(world),
            odd,
        )


def _run_commands(incident: Incident, shop: Shop) -> Iterator[tuple[str, CommandResult]]:
    """Run the commands and wait. While there are dead letters, repeat the last command, at most three times."""
    for command in incident.commands:
        yield command, _type(command, shop)
    for _ in range(_LAST_TRIES):
        shop.minutes(_AFTER_MINUTES)
        if not shop.stack.world.dead_letters.messages or not incident.commands:
            return
        yield incident.commands[-1], _type(incident.commands[-1], shop)


def _type(command: str, shop: Shop) -> CommandResult:
    expect = ""
    if "{expect}" in command:
        shown = shop.stack.type("order", "repair", str(shop.about))
        expect = shown.err.partition("--expect ")[2].split()[0]
    return shop.stack.type(*shlex.split(command.replace("{order}", str(shop.about)).replace("{expect}", expect)))


def _notices(stack: Stack, begun: int, *, page: bool) -> Iterator[tuple[str, int]]:
    """Yield each alarm with the minutes from `begun` to its first notification."""
    yielded: set[str] = set()
    for notice in stack.alarms.notices:
        name = notice.alarm.removeprefix(f"{PREFIX}-")
        if (
            notice.at < begun
            or notice.state != State.ALARM
            or name in yielded
            or (notice.target == topics()["page"]) is not page
        ):
            continue
        yielded.add(name)
        yield name, (notice.at - begun) // MINUTE
