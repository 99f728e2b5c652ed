"""Tests `pulumi preview` of stacks that do not exist yet."""

import pytest

from lab.preview.memory_account import MemoryAccount
from lab.preview.rendered_preview import COMMAND, TEXT, render
from tests.engine.conftest import NewStack

pytestmark = pytest.mark.engine


@pytest.mark.parametrize("stack", ["dev", "prod", "local"])
def test_a_first_preview_plans_only_creations(stack: str, new_stack: NewStack) -> None:
    # GIVEN a stack whose ids, ARNs and URLs are all unknown
    account = MemoryAccount()
    workspace = new_stack(stack, account)
    # WHEN it is previewed
    done = workspace.preview()
    # THEN the engine accepts the project file, the stack file, all types and all inputs. Each change is a creation.
    assert done.code == 0, done.output
    assert set(done.changes.values()) == {"create"}
    # AND the account has no resource
    assert account.resources == {}


def test_a_wrong_configuration_is_refused_without_a_traceback(new_stack: NewStack) -> None:
    # GIVEN
    account = MemoryAccount()
    workspace = new_stack("dev", account, {"batch_size": "0"})
    # WHEN it is previewed
    done = workspace.preview()
    # THEN the output has the message, and no traceback
    assert done.code != 0
    assert "orders:batch_size: given 0; allowed: a whole number from 1 to 10000" in done.output
    assert "Traceback" not in done.output
    assert ".py" not in done.output


def test_the_preview_in_the_docs_is_up_to_date(new_stack: NewStack) -> None:
    # GIVEN the dev stack before its first deployment
    workspace = new_stack("dev", MemoryAccount())
    # WHEN it is previewed
    done = workspace.preview()
    # THEN the docs show the same preview
    assert done.code == 0, done.output
    assert render(done) == TEXT.read_text(), f"renew it: {COMMAND}"
