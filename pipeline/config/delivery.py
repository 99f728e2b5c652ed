"""Options of a deployment: how a change reaches callers, and within which bounds."""

from typing import Literal

from pydantic import Field

from pipeline.config.general import GeneralOptions
from pipeline.config.problems import Problem

Shift = Literal[
    "none",
    "Canary10Percent5Minutes",
    "Canary10Percent10Minutes",
    "Canary10Percent15Minutes",
    "Canary10Percent30Minutes",
    "Linear10PercentEvery1Minute",
    "Linear10PercentEvery2Minutes",
    "Linear10PercentEvery3Minutes",
    "Linear10PercentEvery10Minutes",
]
"""CodeDeploy's own ways to shift a function's traffic. Not `off`: YAML reads that as a boolean."""


class DeliveryOptions(GeneralOptions):
    """Deploys and the roles that they make."""

    gradual_deploy: Shift = Field(
        default="none",
        description="How traffic moves to a new version of a function: at once by pulumi up (none), or step by step.",
        json_schema_extra={
            "cost": "nothing for CodeDeploy; an alarm for each function, 0.80 USD a month together",
            "consequence": "pulumi up only publishes versions; python -m ops deploy shift moves callers to them, "
            "and an alarm moves them back. Without that command new code is never called.",
        },
    )
    permissions_boundary_arn: str = Field(
        default="",
        pattern=r"^(arn:aws[a-z-]*:iam::\d{12}:policy/[A-Za-z0-9_+=,.@/-]+)?$",
        description="Managed policy that bounds every role made here, whatever the role's own policy says.",
        json_schema_extra={
            "allowed": "the ARN of a managed policy of your account, or empty",
            "cost": "nothing",
            "consequence": "The deploy role of bootstrap/template.yaml can make no role without it; with a boundary "
            "that is too narrow functions are refused what their policies allow.",
        },
    )


def _gradual(config: DeliveryOptions) -> Problem | None:
    """The embedded AWS has no CodeDeploy: new code would never be called there."""
    if config.gradual_deploy == "none" or config.environment != "local":
        return None
    return Problem(
        ("gradual_deploy", "environment"),
        f"{config.gradual_deploy} on the local stack",
        "none: the embedded AWS has no CodeDeploy, so nothing would move callers to new versions",
    )


def _boundary(config: DeliveryOptions) -> Problem | None:
    """The embedded AWS has no policies but the stack's own, so none that could bound them."""
    if not config.permissions_boundary_arn or config.environment != "local":
        return None
    return Problem(
        ("permissions_boundary_arn", "environment"),
        f"{config.permissions_boundary_arn} on the local stack",
        "none: the policy is in an account, and the embedded AWS is none",
    )


DELIVERY_RULES = (
    _gradual,
    _boundary,
)
