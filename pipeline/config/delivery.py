"""Options of a deployment: how callers move to new code, and the permissions boundary of the stack's roles."""

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
"""CodeDeploy's predefined ways to shift traffic gradually, and `none` (not `off`, which YAML reads as a boolean)."""


class DeliveryOptions(GeneralOptions):
    """Options of deployments and roles."""

    gradual_deploy: Shift = Field(
        default="none",
        description="How callers get a new version of a function: at once by pulumi up (none), "
        "or step by step (all other values).",
        json_schema_extra={
            "cost": "0.80 USD a month in total for one alarm per function; CodeDeploy is free",
            "consequence": "Step by step: pulumi up only publishes versions. python -m ops deploy shift moves callers "
            "to them; if an alarm fires, callers move back. Without that command, nobody calls the new code.",
        },
    )
    permissions_boundary_arn: str = Field(
        default="",
        pattern=r"^(arn:aws[a-z-]*:iam::\d{12}:policy/[A-Za-z0-9_+=,.@/-]+)?$",
        description="Permissions boundary of every role of the stack: a managed policy.",
        json_schema_extra={
            "allowed": "the ARN of a managed policy of your account, or empty",
            "cost": "nothing",
            "consequence": "Without it, the deploy role of bootstrap/template.yaml cannot create roles. If it is too "
            "narrow, functions are denied actions that their policies allow.",
        },
    )


def _gradual(config: DeliveryOptions) -> Problem | None:
    """The embedded AWS has no CodeDeploy, so nobody would call new code there."""
    if config.gradual_deploy == "none" or config.environment != "local":
        return None
    return Problem(
        ("gradual_deploy", "environment"),
        f"{config.gradual_deploy} on the local stack",
        "gradual_deploy: none, because the embedded AWS has no CodeDeploy to move callers to new versions",
    )


def _boundary(config: DeliveryOptions) -> Problem | None:
    """The boundary is not part of the stack, so it does not exist in the embedded AWS."""
    if not config.permissions_boundary_arn or config.environment != "local":
        return None
    return Problem(
        ("permissions_boundary_arn", "environment"),
        f"{config.permissions_boundary_arn} on the local stack",
        "empty, because the policy does not exist in the embedded AWS",
    )


DELIVERY_RULES = (
    _gradual,
    _boundary,
)
