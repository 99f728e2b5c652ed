"""Rules between the options on how changes reach callers."""

from typing import TYPE_CHECKING

from pipeline.config.problems import Problem

if TYPE_CHECKING:
    from pipeline.config.stack_config import StackConfig


def gradual(config: "StackConfig") -> Problem | None:
    """The embedded AWS has no CodeDeploy: new code would never be called there."""
    if config.gradual_deploy == "none" or config.environment != "local":
        return None
    return Problem(
        ("gradual_deploy", "environment"),
        f"{config.gradual_deploy} on the local stack",
        "none: the embedded AWS has no CodeDeploy, so nothing would move callers to new versions",
    )


def boundary(config: "StackConfig") -> Problem | None:
    """The embedded AWS has no policies but the stack's own, so none that could bound them."""
    if not config.permissions_boundary_arn or config.environment != "local":
        return None
    return Problem(
        ("permissions_boundary_arn", "environment"),
        f"{config.permissions_boundary_arn} on the local stack",
        "none: the policy is in an account, and the embedded AWS is none",
    )


DELIVERY_RULES = (gradual, boundary)
