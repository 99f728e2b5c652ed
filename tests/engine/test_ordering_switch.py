"""Strict ordering in the engine: a switch replaces the queues, and is refused while they are protected."""

import pytest

from lab.preview.memory_account import MemoryAccount
from tests.engine.conftest import Deployed, NewStack

pytestmark = pytest.mark.engine

QUEUE = "aws:sqs/queue:Queue"
CONFIG = {"environment": "development", "deletion_protection": "false", "protect": "true"}


@pytest.fixture
def protected(new_stack: NewStack) -> Deployed:
    """A small stack whose queues are protected, deployed."""
    account = MemoryAccount()
    workspace = new_stack("kept", account, CONFIG)
    done = workspace.up()
    assert done.code == 0, done.output
    return workspace, account


def order_strictly(deployed: Deployed, *, protect: str) -> None:
    """The configuration of steps 3 and 4 of docs/ordering.md."""
    for key, value in (("protect", protect), ("strict_ordering", "true"), ("batch_size", "1")):
        deployed[0].checked("config", "set", "--stack", "kept", f"orders:{key}", value)


def test_a_switch_is_refused_while_the_queues_are_protected(protected: Deployed) -> None:
    # GIVEN
    workspace, account = protected
    before = {key: value for key, value in account.resources.items() if key[0] == QUEUE}
    order_strictly(protected, protect="true")

    # WHEN
    done = workspace.up()

    # THEN both queues are there as before, messages and all
    assert done.code != 0
    assert "protect" in done.output
    assert before.items() <= account.resources.items()


def test_after_the_protection_is_lifted_the_switch_replaces_both(protected: Deployed) -> None:
    # GIVEN a stack whose protection was lifted by an `up` of its own
    workspace, account = protected
    workspace.checked("config", "set", "--stack", "kept", "orders:protect", "false")
    lifted = workspace.up()
    assert lifted.code == 0, lifted.output
    order_strictly(protected, protect="false")

    # WHEN
    done = workspace.up()

    # THEN
    assert done.code == 0, done.output
    names = {value["name"] for key, value in account.resources.items() if key[0] == QUEUE}
    assert names == {"orders-kept-orders-queue.fifo", "orders-kept-orders-queue-dlq.fifo"}
