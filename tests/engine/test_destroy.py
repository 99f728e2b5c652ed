"""Tests `pulumi destroy` with and without protected resources."""

import pytest

from lab.preview.memory_account import MemoryAccount
from local.engine.workspace import Workspace
from tests.engine.conftest import Deployed, NewStack

pytestmark = pytest.mark.engine

TABLE = "aws:dynamodb/table:Table"


@pytest.fixture
def prod(new_stack: NewStack) -> tuple[Workspace, MemoryAccount]:
    """A deployed production stack."""
    account = MemoryAccount()
    workspace = new_stack("prod", account)
    done = workspace.up()
    assert done.code == 0, done.output
    return workspace, account


def test_destroy_leaves_nothing(dev: Deployed) -> None:
    # GIVEN a deployed stack without protection
    workspace, account = dev
    # WHEN it is destroyed
    done = workspace.destroy()
    # THEN account and state have no resources
    assert done.code == 0, done.output
    assert account.resources == {}
    assert '"resources"' not in workspace.exported()


def test_destroy_refuses_to_delete_protected_data(prod: Deployed) -> None:
    # GIVEN a deployed production stack
    workspace, account = prod
    before = account.copy().resources
    # WHEN it is destroyed
    done = workspace.destroy()
    # THEN the engine refuses because of the protection, before anything is deleted
    assert done.code != 0
    assert "protect" in done.output
    assert account.resources == before


def test_protected_tables_are_kept_even_without_a_preview(prod: Deployed) -> None:
    # GIVEN a deployed production stack
    workspace, account = prod
    before = {key for key in account.resources if key[0] == TABLE}
    # WHEN it is destroyed without a preview (a preview would refuse)
    done = workspace.destroy("--skip-preview")
    # THEN every table still exists, even if other resources were deleted
    assert done.code != 0
    assert {key for key in account.resources if key[0] == TABLE} == before


def test_tables_are_kept_even_if_pulumis_protection_was_removed(prod: Deployed) -> None:
    # GIVEN a deployed production stack whose protection somebody removed from the state
    workspace, account = prod
    before = {key for key in account.resources if key[0] == TABLE}
    workspace.checked("state", "unprotect", "--all", "--yes", "--stack", "prod")
    # WHEN it is destroyed
    done = workspace.destroy()
    # THEN the account itself refuses to delete the tables
    assert done.code != 0
    assert "protected against deletion" in done.output
    assert {key for key in account.resources if key[0] == TABLE} == before
