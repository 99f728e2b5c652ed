"""What a stack can decide about how its data is kept."""

from typing import Literal

from pydantic import BaseModel, Field


class DataOptions(BaseModel):
    """The part of `StackConfig` about data at rest."""

    encryption: Literal["aws", "customer"] = Field(
        default="aws",
        description="Whose keys encrypt tables, queues, topics and logs: AWS's, or one of yours made here.",
        json_schema_extra={
            "cost": "customer: 1 USD a month (3 after two rotations) plus 0.03 USD per 10,000 calls of KMS",
            "consequence": "Whoever reads data needs your key too, and every use is in CloudTrail. Subscribers' own "
            "queues may need a grant. Deleting the key makes all data unreadable for ever. With a bus, events that "
            "the key fails wait in a queue under SQS's key (docs/events.md).",
        },
    )
