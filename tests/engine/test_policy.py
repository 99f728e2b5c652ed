"""Tests the policy pack when the engine runs it in a preview."""

import shutil

import pytest

from lab.preview.memory_account import MemoryAccount
from lab.preview.programs import append
from local.engine.path import ROOT
from local.engine.workspace import Workspace
from ops.preview import Preview
from tests.engine.conftest import Deployed, NewStack

pytestmark = pytest.mark.engine


def pack(workspace: Workspace) -> str:
    """Copy the policy pack into the program's folder, and return the option that runs the pack."""
    folder = workspace.program / "policy"
    shutil.copytree(ROOT / "policy", folder, ignore=shutil.ignore_patterns("__pycache__"))
    return f"--policy-pack={folder}"


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_a_stack_before_its_first_deployment_passes_the_policies(stack: str, new_stack: NewStack) -> None:
    # GIVEN a stack before its first deployment
    workspace = new_stack(stack, MemoryAccount())
    # WHEN it is previewed with the pack
    done = workspace.preview(pack(workspace))
    # THEN the pack ran, and every policy passed
    assert done.code == 0, done.output
    assert "orders@v1.0.0" in done.output


def test_a_violation_fails_the_preview(dev: Deployed) -> None:
    # GIVEN a deployed stack, and a new log group without a retention
    workspace, _ = dev
    append(workspace.program / "__main__.py", 'import pulumi_aws as aws\naws.cloudwatch.LogGroup("endless")\n')
    # WHEN it is previewed with the pack
    done = workspace.preview(pack(workspace))
    # THEN the preview fails, and names policy and resource
    assert done.code != 0
    assert "logs-have-a-retention" in done.output
    assert "endless" in done.output
    # AND the pull request's comment begins with the reason
    comment = Preview.read("dev", done.code, done.output, done.events).comment()
    assert "### Preview of dev failed\n\n- policy logs-have-a-retention: " in comment
