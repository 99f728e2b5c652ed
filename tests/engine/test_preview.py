"""`pulumi preview` of stacks that do not exist yet."""

import pytest

from lab.preview.memory_account import MemoryAccount
from lab.preview.rendered_preview import COMMAND, TEXT, render
from tests.engine.conftest import NewStack

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


def test_the_preview_in_the_docs_is_the_one_of_today(new_stack: NewStack) -> None:
    # GIVEN the dev stack before its first deployment
    workspace = new_stack("dev", MemoryAccount())
    # WHEN it is previewed
    done = workspace.preview()
    # THEN the docs show just that
    assert done.code == 0, done.output
    assert render(done) == TEXT.read_text(), f"renew it: {COMMAND}"
