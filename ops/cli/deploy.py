"""`deploy`: moves callers to new versions and back, and deletes old versions."""

from typing import Any

from ops.cli import deploy_prune, deploy_rollback, deploy_shift
from ops.cli.common import add_group


def register(commands: Any) -> None:
    """Add the commands."""
    actions = add_group(
        commands,
        "deploy",
        "move callers to the functions' new versions and back, and delete old ones",
        "python -m ops deploy shift --stack prod",
        "`shift` after each `pulumi up` of a stack with gradual_deploy; `rollback` if a release is bad;\n"
        "  `prune` to delete old versions that no rollback needs.",
    )
    deploy_shift.register(actions)
    deploy_rollback.register(actions)
    deploy_prune.register(actions)
