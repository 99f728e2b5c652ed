"""Options of the objectives: promises to customers, on which alarms are based."""

from typing import Annotated

from pydantic import Field

from pipeline.config.general import GeneralOptions

# Pulumi's configuration has no fractions, so a percentage is a text. The highest threshold of the alarms is 14.4 times
# the error budget. This threshold must be less than 100 %, so an objective is at least 94 %.
Objective = Annotated[str, Field(pattern=r"^9[4-9](\.\d{1,2})?$")]


class ObjectiveOptions(GeneralOptions):
    """Objectives; their window is the last 30 days."""

    accepting_objective_percent: Objective = Field(
        default="99.9",
        description="Availability of the API: the share of requests with an answer other than 5xx.",
        json_schema_extra={
            "allowed": "a percentage from 94 to 99.99, such as 99.9",
            "consequence": "The difference to 100 % is the error budget. If it is spent too fast, alarms send pages or "
            "tickets.",
        },
    )
    settling_objective_percent: Objective = Field(
        default="99",
        description="Timeliness of settling: the share of accepted orders that are settled within the promise.",
        json_schema_extra={
            "allowed": "a percentage from 94 to 99.99, such as 99",
            "consequence": "The difference to 100 % is the error budget, for orders that are late or never settled.",
        },
    )
    settling_promise_seconds: int = Field(
        default=600,
        ge=60,
        le=3_600,
        description="The promise to customers: an accepted order is settled within this time.",
        json_schema_extra={
            "consequence": "An alarm pages if the oldest message in the queue is some minutes older than this "
            "time. The alarm's metric ignores messages that were received three times or more."
        },
    )
