"""Options of logs and traces."""

from typing import Literal

from pydantic import Field

from pipeline.config.general import GeneralOptions

# The retentions that CloudWatch accepts.
LogRetention = Literal[
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653
]


class ObservabilityOptions(GeneralOptions):
    """Logs and traces."""

    tracing: bool = Field(
        default=False,
        description="Records a sample of requests in X-Ray, which costs up to 10 USD per million orders.",
        json_schema_extra={
            "cost": "5 USD per million recorded traces. X-Ray records the first call of each function in each second "
            "and 5 % of the rest. At low traffic that is up to 10 USD per million orders, the largest item of the bill",
            "consequence": "Without it, metrics and logs still show how long requests and cold starts took.",
        },
    )
    trace_group: bool = Field(
        default=False,
        description="With tracing: an X-Ray group with this stack's traces that contain an error or are slow.",
        json_schema_extra={
            "only_with": {"tracing": True},
            "cost": "nothing in addition to tracing",
            "consequence": "It shows errors and slow calls without a search. Lambda samples one request a second "
            "and 5 % of the rest, and no sampling rule changes that.",
        },
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        default="INFO", description="Lines below this level are not logged."
    )
    debug_log_percent: int = Field(
        default=0, ge=0, le=100, description="Percentage of invocations that log at DEBUG, whatever log_level is."
    )
    log_retention_days: LogRetention = Field(
        default=30,
        description="How long CloudWatch keeps logs.",
        json_schema_extra={
            "cost": "0.03 USD per GB and month; ingestion costs more, 0.50 USD per GB",
            "consequence": "Older logs are deleted, even those about a dead letter that still exists.",
        },
    )
