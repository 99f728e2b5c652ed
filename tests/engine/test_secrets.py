"""Tests that secrets are encrypted in the stack file and in the state, and never printed."""

import pytest

from lab.preview.programs import append
from tests.engine.conftest import Deployed

pytestmark = pytest.mark.engine

SECRET = "correct horse battery staple"

# The dev stack's configuration has no secret, so these tests add the key `probe:token`.
PROBE = """
import pulumi
import pulumi_aws as aws

token = pulumi.Config("probe").require_secret("token")
probe = aws.sns.Topic("probe", name="probe", display_name=token)
pulumi.export("probe", probe.display_name)
"""


@pytest.fixture
def dev_with_a_secret(dev: Deployed) -> Deployed:
    """Add a topic and an output, both with a secret, to the deployed dev stack's program. Do not deploy them yet."""
    workspace, _ = dev
    append(workspace.program / "__main__.py", PROBE)
    workspace.checked("config", "set", "--stack", "dev", "--secret", "probe:token", SECRET)
    return dev


def test_a_secret_is_encrypted_in_the_stack_file(dev_with_a_secret: Deployed) -> None:
    # GIVEN a stack with a secret in its configuration
    workspace, _ = dev_with_a_secret
    # WHEN its file is read
    text = (workspace.program / "Pulumi.dev.yaml").read_text()
    # THEN the secret is in it, encrypted
    assert "probe:token" in text
    assert SECRET not in text


def test_a_secret_is_encrypted_in_the_state_and_never_printed(dev_with_a_secret: Deployed) -> None:
    # GIVEN a new topic and a new output, which both have a secret
    workspace, account = dev_with_a_secret
    # WHEN the stack is previewed in detail, and deployed
    previewed, done = workspace.preview("--diff"), workspace.up("--diff")
    # THEN the account has the secret
    assert done.code == 0, done.output
    assert SECRET in [state.get("displayName") for state in account.resources.values()]
    # AND the terminal, the shown outputs and the stored state do not have it in plain text
    shown = workspace.checked("stack", "output", "--stack", "dev")
    assert "[secret]" in shown
    for text in (previewed.output, done.output, shown, workspace.exported()):
        assert SECRET not in text
    # AND the secret can be read with the passphrase
    assert workspace.outputs()["probe"] == SECRET
