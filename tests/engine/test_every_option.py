"""A production stack with every option that makes resources of its own."""

import json

import pytest

from lab.preview.memory_account import MemoryAccount
from tests.engine.conftest import Deployed, NewStack
from tests.infra.test_option_combinations import NEW_SECRET, WAF, keys_of

pytestmark = pytest.mark.engine

# The richest value of each option.
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
    """The stack, deployed, its secrets set as the documentation says."""
    account = MemoryAccount()
    workspace = new_stack("full", account, {key: text for key, text in OPTIONS.items() if key not in SECRETS})
    for key, text in SECRETS.items():
        workspace.checked("config", "set", "--stack", "full", "--secret", key, text)
    done = workspace.up()
    assert done.code == 0, done.output
    assert not [text for text in SECRETS.values() if text in done.output]
    return workspace, account


def test_every_option_together_is_left_alone_by_a_second_up(full: Deployed) -> None:
    # GIVEN the deployed stack
    workspace, _ = full
    # WHEN it is deployed again
    done = workspace.up()
    # THEN no resource changes
    assert done.code == 0, done.output
    assert done.changes == {}


def test_the_programs_own_secrets_are_encrypted_and_never_printed(full: Deployed) -> None:
    # GIVEN the deployed stack, whose edge tells the API a secret
    workspace, account = full
    assert SECRETS["origin_secret"] in json.dumps(list(account.resources.values()))
    # WHEN its file, its outputs and its state are shown, and its next preview in every detail
    shown = [
        (workspace.program / "Pulumi.full.yaml").read_text(),
        workspace.checked("stack", "output", "--stack", "full"),
        workspace.exported(),
        workspace.preview("--diff", "--show-sames").output,
    ]
    # THEN no secret is in any of them
    assert not [text for text in SECRETS.values() for where in shown if text in where]
