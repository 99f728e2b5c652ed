"""`pulumi preview` of stacks that do not exist yet."""

import pytest

from tests.engine.conftest import NewStack
from tests.engine.memory_account import MemoryAccount

pytestmark = pytest.mark.engine


@pytest.mark.parametrize("stack", ["dev", "prod", "local"])
def test_a_first_preview_creates_and_nothing_else(stack: str, new_stack: NewStack) -> None:
    # GIVEN a stack whose every id, ARN and URL is still unknown
    account = MemoryAccount()
    workspace = new_stack(stack, account)
    # WHEN it is previewed
    done = workspace.preview()
    # THEN the engine takes project file, stack file, types and inputs, and would only create
    assert done.code == 0, done.output
    assert set(done.changes.values()) == {"create"}
    # AND nothing was made
    assert account.resources == {}
