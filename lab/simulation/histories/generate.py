"""Generates a history from a seed."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Final

from lab.simulation.histories import steps as do
from lab.simulation.histories.faults import NAMES, OUTAGES
from lab.simulation.histories.orders import (
    CALLERS,
    FOREIGN_BODIES,
    KEYS,
    KILLERS,
    ORDINARY,
    PLENTY,
    POPULAR,
    SCARCE,
)
from lab.simulation.histories.versions import VERSIONS

LEAST_STEPS, MOST_STEPS = 30, 32
_MEANWHILE: Final = (do.MEANWHILE_BEFORE, do.MEANWHILE_AFTER)
_MOST_CALL: Final = 7
"""Faults, and steps that are played inside a run, are planned only for the run's first seven calls.
An undisturbed first run for one order makes four or five calls; a run for a batch makes more."""
_PICKS: Final = 12
_TWIN, _SAME_BODY = 0.5, 0.7
"""A request can be sent while another request is running. ``_TWIN`` is the probability that it repeats the caller and
key of the running request. ``_SAME_BODY`` is the probability that it then also repeats the body."""
_PAST_A_LEASE: Final = (1, 11, 65, 370)
_LONG_WAITS: Final = (4 * 3600, 86_401, 2 * 86_400, 4 * 86_400 + 1)
_LONGEST_WAITS: Final = (14 * 86_400 + 1, 21 * 86_400)
"""Waits in seconds. The first of ``_LONGEST_WAITS`` outlasts the retention of dead letters (14
days). The second also outlasts the worker's idempotency records (20 days)."""


def history(seed: int) -> do.History:
    """Generate the history of this seed. One seed always gives the same history."""
    return _Maker(random.Random(seed)).history(seed)


@dataclass(slots=True)
class _Maker:
    random: random.Random
    killers: bool = False
    open: list[tuple[str, str, str]] = field(default_factory=list)

    def history(self, seed: int) -> do.History:
        chance = self.random
        self.killers = chance.random() < 0.2
        length = chance.randint(LEAST_STEPS, MOST_STEPS)
        steps: list[do.Step] = [self._post()]
        while len(steps) < length:
            steps.append(self._any())
            if isinstance(steps[-1], do.Foreign) and chance.random() < 0.5:
                steps.append(do.Deliver((self._fault(),), self._chance()))
        if self.killers:
            # This step lasts 7200 s and delivers up to seven batches. In each batch, a killer can kill the worker.
            # This tests rule M7 of the model: killers use up only a few receives of the other messages in their
            # batches.
            steps.insert(chance.randrange(length // 2, length), do.Work(7200, 7, self._chance()))
        return do.History(
            seed=seed,
            stock={PLENTY: 40, POPULAR: chance.choice((2, 20)), SCARCE: chance.choice((0, 1, 3))},
            batch_size=chance.choice((1, 3, 10, 10)),
            max_receive_count=chance.choice((5, 5, 8)),
            patient=chance.random() < 0.5,
            steps=tuple(steps),
        )

    def _any(self) -> do.Step:
        return self._make(_WEIGHTS, depth=0)

    def _make(self, weights: dict[str, int], *, depth: int) -> do.Step:
        (name,) = self.random.choices(tuple(weights), tuple(weights.values()))
        if name in _PICKING:
            return _PICKING[name](self._pick())
        if name in _PLAIN:
            return _PLAIN[name]()
        make = getattr(self, f"_{name}")
        step: do.Step = make(depth) if name in {"post", "deliver"} else make()
        return step

    def _post(self, depth: int = 0) -> do.Step:
        chance = self.random
        draw = chance.random()
        orders = KILLERS if self.killers and draw < 0.25 else ORDINARY if draw < 0.97 else ("invalid",)
        intent = chance.choice(CALLERS), chance.choice(KEYS), chance.choice(orders)
        if self.open and chance.random() < _TWIN:
            # Repeat the caller and key of the request that is still running, and in most cases its body.
            caller, key, order = self.open[-1]
            intent = caller, key, order if chance.random() < _SAME_BODY else intent[2]
        self.open.append(intent)
        at = self._at(depth)
        self.open.pop()
        return do.Post(*intent, at, self._chance())

    def _deliver(self, depth: int = 0) -> do.Step:
        return do.Deliver(self._at(depth), self._chance())

    def _work(self) -> do.Step:
        return do.Work(self.random.choice((5, 60, 600)), self.random.randint(1, 4), self._chance())

    def _at(self, depth: int) -> tuple[do.At, ...]:
        draw = self.random.random()
        if draw < 0.55:
            return ()
        if draw < 0.8 or depth > 1:
            return (self._fault(),)
        if draw < 0.87:
            return (self._fault(), self._fault())
        if draw < 0.95:
            return (self._meanwhile(depth),)
        return (self._meanwhile(depth), self._fault())

    def _fault(self) -> do.At:
        return do.At(self.random.randrange(_MOST_CALL), self.random.choice(NAMES))

    def _meanwhile(self, depth: int) -> do.At:
        """Make steps that are played inside a run, for example a POST that starts the run's twin.

        If the first step waits until the run's lease has ended, the run can become a zombie.
        """
        chance = self.random
        steps: list[do.Step] = []
        if chance.random() < 0.6:
            steps.append(do.Wait(chance.choice(_PAST_A_LEASE)))
        steps += [self._make(_INNER_WEIGHTS, depth=depth + 1) for _ in range(chance.choice((1, 1, 2)))]
        return do.At(chance.randrange(_MOST_CALL), chance.choice(_MEANWHILE), tuple(steps))

    def _get(self) -> do.Step:
        return do.Get(self.random.choice(CALLERS), self._pick())

    def _short_wait(self) -> do.Step:
        return do.Wait(self.random.choice((1, 5, 15, 40, 120, 400)))

    def _long_wait(self) -> do.Step:
        return do.Wait(self.random.choice(_LONG_WAITS if self.random.random() < 0.75 else _LONGEST_WAITS))

    def _outage(self) -> do.Step:
        chance = self.random
        return do.Outage(
            chance.choice(("dynamodb", "sqs", "sns")), chance.choice((30, 300, 300, 1200)), chance.choice(OUTAGES)
        )

    def _popular(self) -> do.Step:
        return do.Popular(self.random.choice((PLENTY, POPULAR)), 600, self.random.choice((30, 60, 95)))

    def _deploy(self) -> do.Step:
        return do.Deploy(self.random.choice(VERSIONS), self.random.choice(VERSIONS))

    def _restock(self) -> do.Step:
        return do.Restock(self.random.choice((POPULAR, SCARCE)), self.random.choice((1, 5)))

    def _foreign(self) -> do.Step:
        return do.Foreign(self.random.choice(tuple(FOREIGN_BODIES)), self.random.choice((-1, self._pick())))

    def _redrive(self) -> do.Step:
        return do.Redrive(self.random.choice((-1, self._pick())))

    def _pick(self) -> int:
        return self.random.randrange(_PICKS)

    def _chance(self) -> int:
        return self.random.getrandbits(32)


_PICKING: Final = {"redeliver": do.Redeliver, "resurrect": do.Resurrect, "resend": do.Resend, "discard": do.Discard}
_PLAIN: Final = {"sweep": do.Sweep, "fix": do.Fix, "arrive": do.Arrive}
_WEIGHTS: Final = {
    "post": 22,
    "deliver": 16,
    "work": 3,
    "short_wait": 15,
    "long_wait": 2,
    "get": 4,
    "redeliver": 5,
    "resurrect": 4,
    "resend": 2,
    "redrive": 2,
    "discard": 2,
    "sweep": 2,
    "outage": 2,
    "popular": 1,
    "deploy": 2,
    "restock": 2,
    "foreign": 2,
    "fix": 1,
    "arrive": 3,
}
_INNER_WEIGHTS: Final = {
    "post": 8,
    "deliver": 8,
    "redeliver": 4,
    "resurrect": 2,
    "resend": 2,
    "discard": 1,
    "sweep": 1,
    "arrive": 1,
}
"""Weights of the steps that are played inside a run."""
