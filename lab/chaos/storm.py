"""Injects faults between the functions and AWS, and kills workers, while clients send orders."""

import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field

from local.client import LocalStack
from local.control import Control
from local.proxy.faults import FaultKind

POISON = "SKU-POISON"

# The probabilities are low enough that most invocations succeed, and high enough that each fault
# very probably occurs in a run.
_RANDOM_FAULTS: tuple[tuple[str, str | None, FaultKind, float], ...] = (
    ("dynamodb", "TransactWriteItems", FaultKind.CONFLICT, 0.10),
    ("dynamodb", None, FaultKind.RESET, 0.02),
    ("dynamodb", None, FaultKind.LOST_ANSWER, 0.02),
    ("dynamodb", None, FaultKind.THROTTLE, 0.02),
    ("sqs", "SendMessage", FaultKind.RESET, 0.05),
    ("sqs", "SendMessage", FaultKind.LOST_ANSWER, 0.05),
    ("sqs", "SendMessage", FaultKind.THROTTLE, 0.05),
    ("sns", "Publish", FaultKind.RESET, 0.05),
    ("sns", "Publish", FaultKind.LOST_ANSWER, 0.10),
    ("sns", "Publish", FaultKind.THROTTLE, 0.05),
)
_FIRST_KILL_SECONDS = 1.5
_BETWEEN_KILLS_SECONDS = 2.0
_LOOK_SECONDS = 0.05
_QUIET_SECONDS = 3.0


@dataclass
class Storm:
    """The faults and kills of one run, and their counts."""

    stack: LocalStack
    kills: int
    """How many times all workers of the queue's function are to be killed."""
    outage_seconds: float
    """For how many seconds every transaction is throttled."""
    hits: Counter[FaultKind] = field(default_factory=Counter)
    rounds: int = 0
    """How many times workers were actually killed."""
    killed: int = 0
    """Number of worker processes that were killed."""

    @contextmanager
    def running(self) -> Iterator[None]:
        """Inject faults and kill workers during the block. After it, only orders for `POISON` fail.

        When the block ends, this method waits until all kills are done, or until no batch has run
        for a while.
        """
        self._poison()
        for service, operation, kind, probability in _RANDOM_FAULTS:
            self.stack.add_fault(service, operation, kind, probability=probability)
        ended = threading.Event()
        with ThreadPoolExecutor(1, thread_name_prefix="killer") as pool:
            killer = pool.submit(self._kill, ended)
            try:
                yield
            finally:
                ended.set()
            killer.result()
        self._end(poison=False)

    def end_all_faults(self) -> None:
        """End all faults, also that of `POISON`."""
        self._end(poison=True)

    def _poison(self) -> None:
        self.stack.add_fault("dynamodb", "TransactWriteItems", FaultKind.ERROR, containing=f'"{POISON}"')

    def _end(self, *, poison: bool) -> None:
        """End all faults. The fault that makes orders of `POISON` fail ends only if `poison` is set."""
        control = Control(self.stack.instance)
        for status in self.stack.faults():
            if poison or status.rule.containing is None:
                self.hits[status.rule.kind] += status.hits
                control.remove_fault(status.id)

    def _kill(self, ended: threading.Event) -> None:
        """Kill workers, with an outage in the middle, so that some messages are hit by a kill, the outage or both."""
        function = self.stack.outputs["process_order_function"]
        ended.wait(_FIRST_KILL_SECONDS)
        for number in range(self.kills):
            if not self._wait_for_work(ended):
                return
            killed = self.stack.kill_workers(function)
            self.killed += killed
            self.rounds += bool(killed)
            if number == self.kills // 2:
                self.stack.add_fault("dynamodb", "TransactWriteItems", FaultKind.THROTTLE, seconds=self.outage_seconds)
                time.sleep(self.outage_seconds)
            time.sleep(_BETWEEN_KILLS_SECONDS)

    def _wait_for_work(self, ended: threading.Event) -> bool:
        """Wait until a batch is running. Return False when no client sends orders and no batch has run for a while."""
        quiet_since = time.monotonic()
        while not self._is_batch_running():
            if not ended.is_set():
                quiet_since = time.monotonic()
            elif time.monotonic() - quiet_since > _QUIET_SECONDS:
                return False
        return True

    def _is_batch_running(self) -> bool:
        """Return whether the worker makes a transaction within `_LOOK_SECONDS`, which shows that a batch is running."""
        before = self._transactions()
        time.sleep(_LOOK_SECONDS)
        return self._transactions() > before

    def _transactions(self) -> int:
        """Return how many transactions without `POISON` the worker has made.

        The proxy counts the matches of each fault rule. The rule `CONFLICT` matches exactly these
        transactions.
        """
        return next(each.matched for each in self.stack.faults() if each.rule.kind is FaultKind.CONFLICT)
