"""Options of the objectives: promises to customers, as shares of a month, by which alarms page."""

from typing import Annotated

from pydantic import Field

from pipeline.config.general import GeneralOptions

# Pulumi's configuration knows no fractions: a percentage is a text. 14.4 times the budget, the fastest burn that pages,
# has to be fewer than all requests: so at least 94 %.
Objective = Annotated[str, Field(pattern=r"^9[4-9](\.\d{1,2})?$")]


class ObjectiveOptions(GeneralOptions):
    """Objectives; their window is the last 30 days."""

    accepting_objective_percent: Objective = Field(
        default="99.9",
        description="Availability of accepting: the share of requests that are not answered 5xx.",
        json_schema_extra={
            "allowed": "a percentage from 94 to 99.99, such as 99.9",
            "consequence": "The rest is the error budget. Pages and tickets follow from how fast it is spent.",
        },
    )
    settling_objective_percent: Objective = Field(
        default="99",
        description="Timeliness of settling: the share of accepted orders that are settled within the promise.",
        json_schema_extra={
            "allowed": "a percentage from 94 to 99.99, such as 99",
            "consequence": "The same, for orders that are late or not settled at all.",
        },
    )
    settling_promise_seconds: int = Field(
        default=600,
        ge=60,
        le=3_600,
        description="The promise to customers: an accepted order is settled within this time.",
        json_schema_extra={"consequence": "An order that waits longer in the queue pages, however few there are."},
    )
