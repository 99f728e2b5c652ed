"""What a stack can decide about how changes reach its callers."""

from typing import Literal

from pydantic import BaseModel, Field

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


class DeliveryOptions(BaseModel):
    """The part of `StackConfig` about changes of the functions."""

    gradual_deploy: Shift = Field(
        default="none",
        description="How traffic moves to a new version of a function: at once by pulumi up (none), or step by step.",
        json_schema_extra={
            "cost": "nothing for CodeDeploy; three alarms, about 0.60 USD a month",
            "consequence": "pulumi up only publishes versions; python -m tools.gradual_deploy moves callers to them, "
            "and an alarm moves them back. Without that command new code is never called.",
        },
    )
