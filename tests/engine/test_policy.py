"""A policy pack, run by the engine in a preview."""

import sys
from pathlib import Path

import pytest

from tests.engine.conftest import Deployed

pytestmark = pytest.mark.engine

PACK = """
from pulumi_policy import EnforcementLevel, PolicyPack, ResourceValidationPolicy


def short(args, report):
    if args.resource_type == "aws:cloudwatch/logGroup:LogGroup" and args.props["retentionInDays"] > {days}:
        report("logs are kept too long")


PolicyPack(
    name="probe",
    enforcement_level=EnforcementLevel.MANDATORY,
    policies=[ResourceValidationPolicy(name="short-logs", description="Logs are not kept for long.", validate=short)],
)
"""


def pack(folder: Path, days: int) -> str:
    """A pack that refuses log groups with a retention above `days`; dev keeps its logs for 7."""
    folder.mkdir()
    options = f"runtime:\n  name: python\n  options:\n    virtualenv: {sys.prefix}\n"
    (folder / "PulumiPolicy.yaml").write_text(f"{options}version: 0.0.1\n")
    (folder / "__main__.py").write_text(PACK.format(days=days))
    return f"--policy-pack={folder}"


def test_a_policy_pack_that_is_kept_lets_a_preview_pass(dev: Deployed, tmp_path: Path) -> None:
    # GIVEN a deployed stack and a policy that it keeps
    workspace, _ = dev
    # WHEN it is previewed with the pack
    done = workspace.preview(pack(tmp_path / "pack", days=7))
    # THEN the pack was run and let it pass
    assert done.code == 0, done.output
    assert "probe@v0.0.1" in done.output


def test_a_policy_pack_blocks_a_violation(dev: Deployed, tmp_path: Path) -> None:
    # GIVEN a deployed stack and a mandatory policy that it breaks
    workspace, _ = dev
    # WHEN it is previewed with the pack
    done = workspace.preview(pack(tmp_path / "pack", days=6))
    # THEN the preview fails and names resource and reason
    assert done.code != 0
    assert "short-logs" in done.output
    assert "logs are kept too long" in done.output
