"""Tests a production stack with every option that adds resources."""

import json

import pytest

from lab.preview.memory_account import MemoryAccount
from tests.engine.conftest import Deployed, NewStack
from tests.infra.test_option_combinations import NEW_SECRET, WAF, keys_of

pytestmark = pytest.mark.engine

# For each option, the value that adds the most resources.
OPTIONS = keys_of(
    {
        "environment": "production",
        "authorizer": "cognito",
        "cors": "one",
        "domain": "zone",
        "waf": "rotating",
        "traces": "group",
        "alarms": "on",
        "subscriptions": "queue",
        "deploy": "gradual",
        "encryption": "customer",
        "ordering": "strict",
        "warm start": "ready",
        "boundary": "set",
    }
)
SECRETS = {"origin_secret": WAF["origin_secret"], "origin_secret_also_accepted": NEW_SECRET}


@pytest.fixture
def full(new_stack: NewStack) -> Deployed:
    """Deploy the stack. Its secrets are set by `pulumi config set --secret`, as in the documentation."""
    account = MemoryAccount()
    workspace = new_stack("full", account, {key: text for key, text in OPTIONS.items() if key not in SECRETS})
    for key, text in SECRETS.items():
        workspace.checked("config", "set", "--stack", "full", "--secret", key, text)
    done = workspace.up()
    assert done.code == 0, done.output
    assert not [text for text in SECRETS.values() if text in done.output]
    return workspace, account


def test_nothing_changes_on_a_second_up_with_every_option(full: Deployed) -> None:
    # GIVEN the deployed stack
    workspace, _ = full
    # WHEN it is deployed again
    done = workspace.up()
    # THEN no resource changes
    assert done.code == 0, done.output
    assert done.changes == {}


def test_secrets_in_the_configuration_are_encrypted_and_never_printed(full: Deployed) -> None:
    # GIVEN the deployed stack, whose edge sends a secret to the API
    workspace, account = full
    assert SECRETS["origin_secret"] in json.dumps(list(account.resources.values()))
    # WHEN the stack's file, outputs, state and detailed preview are shown
    shown = [
        (workspace.program / "Pulumi.full.yaml").read_text(),
        workspace.checked("stack", "output", "--stack", "full"),
        workspace.exported(),
        workspace.preview("--diff", "--show-sames").output,
    ]
    # THEN no secret is in any of them
    assert not [text for text in SECRETS.values() for where in shown if text in where]
