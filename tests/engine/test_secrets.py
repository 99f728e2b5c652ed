"""Secrets on their way through program, engine and provider."""

import pytest

from lab.preview.programs import append
from tests.engine.conftest import Deployed

pytestmark = pytest.mark.engine

SECRET = "correct horse battery staple"

# No key of the program's own configuration is a secret; this one goes the way one would.
PROBE = """
import pulumi
import pulumi_aws as aws

token = pulumi.Config("probe").require_secret("token")
probe = aws.sns.Topic("probe", name="probe", display_name=token)
pulumi.export("probe", probe.display_name)
"""


@pytest.fixture
def dev_with_a_secret(dev: Deployed) -> Deployed:
    """The deployed dev stack with a change to come: a topic and an output that hold a secret."""
    workspace, _ = dev
    append(workspace.program / "__main__.py", PROBE)
    workspace.checked("config", "set", "--stack", "dev", "--secret", "probe:token", SECRET)
    return dev


def test_a_secret_is_encrypted_in_the_stack_file(dev_with_a_secret: Deployed) -> None:
    # GIVEN a stack with a secret in its configuration
    workspace, _ = dev_with_a_secret
    # WHEN its file is read
    text = (workspace.program / "Pulumi.dev.yaml").read_text()
    # THEN the secret is there, encrypted
    assert "probe:token" in text
    assert SECRET not in text


def test_a_secret_is_used_but_never_printed_and_encrypted_in_the_state(dev_with_a_secret: Deployed) -> None:
    # GIVEN a change that brings a secret
    workspace, account = dev_with_a_secret
    # WHEN it is previewed with every detail, and deployed
    previewed, done = workspace.preview("--diff"), workspace.up("--diff")
    # THEN the account gets it
    assert done.code == 0, done.output
    assert SECRET in [state.get("displayName") for state in account.resources.values()]
    # AND neither the terminal, nor the outputs as shown, nor the stored state have it in clear
    shown = workspace.checked("stack", "output", "--stack", "dev")
    assert "[secret]" in shown
    for text in (previewed.output, done.output, shown, workspace.exported()):
        assert SECRET not in text
    # AND whoever has the passphrase can read it
    assert workspace.outputs()["probe"] == SECRET
