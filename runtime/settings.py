"""The environment of each function, read and checked once, at init, so that no order fails on a missing variable."""

import os
from collections.abc import Mapping
from functools import cache
from typing import Annotated, Final, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

_Name = Annotated[str, Field(min_length=1)]

MAX_BATCH_THREADS: Final = 100
"""The most messages that one batch may run at the same time."""


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Self:
        """Read `UPPER_CASE` variables into the lower-case fields; an empty variable counts as absent.

        Raises `pydantic.ValidationError` that names every variable that is missing or wrong.
        """
        environment = os.environ if environment is None else environment
        return cls.model_validate({name.lower(): value for name, value in environment.items() if value})


class _ApiSettings(_Settings):
    origin_secret_sha256: str = Field(
        default="",
        pattern=r"^([0-9a-f]{64}(,[0-9a-f]{64})*)?$",
        description="SHA-256 digests of the secrets that the edge sends to the API; empty if there is no edge.",
    )

    jwt_authorizer: bool = Field(
        default=False,
        description="The API has a JWT authorizer, so a request without verified claims is an error.",
    )

    @property
    def origin_digests(self) -> tuple[str, ...]:
        """The digests one by one; empty if there is no edge."""
        return tuple(each for each in self.origin_secret_sha256.split(",") if each)


class LookupSettings(_ApiSettings):
    """Settings of get_order."""

    orders_table: _Name


class IntakeSettings(_ApiSettings):
    """Settings of create_order."""

    orders_table: _Name
    orders_queue_url: _Name
    orders_queue_fifo: bool = Field(default=False, description="The queue is FIFO: it keeps each caller's sequence.")
    idempotency_table: _Name
    idempotency_ttl_seconds: int = Field(
        default=86_400, ge=1, description="How long a retry gets the key's first answer."
    )


class WorkerSettings(_Settings):
    """Settings of process_order."""

    orders_table: _Name
    stock_table: _Name
    idempotency_table: _Name
    idempotency_ttl_seconds: int = Field(
        ge=1, description="How long a record is kept: longer than a message can be in queue and DLQ."
    )
    orders_queue_url: _Name
    orders_queue_fifo: bool = Field(
        default=False, description="Queues and topic are FIFO: they keep each caller's sequence by message groups."
    )
    dead_letter_queue_url: _Name
    notifications_topic_arn: str = Field(default="", description="The topic for outcomes; empty if a bus is set.")
    notifications_bus_name: str = Field(default="", description="The bus for outcomes; empty if a topic is set.")
    event_source: _Name = Field(description="The `source` of every CloudEvent, a URI reference.")
    max_receive_count: int = Field(ge=1)
    retry_base_seconds: int = Field(ge=1)
    retry_cap_seconds: int = Field(ge=1, le=43_200)
    batch_threads: int = Field(ge=1, le=MAX_BATCH_THREADS)
    item_budget_seconds: float = Field(
        gt=0, description="Time for one message. Its run starts only if this time and time_margin_seconds are left."
    )
    time_margin_seconds: float = Field(ge=0, description="Time that is kept for the end of the invocation.")

    @model_validator(mode="after")
    def _one_target(self) -> Self:
        given = [name for name in ("notifications_topic_arn", "notifications_bus_name") if getattr(self, name)]
        if len(given) != 1:
            names = " and ".join(name.upper() for name in given) or "no target"
            raise ValueError(
                f"given {names} for the orders' events; allowed: exactly one of NOTIFICATIONS_TOPIC_ARN and "
                "NOTIFICATIONS_BUS_NAME"
            )
        return self


@cache
def lookup_settings() -> LookupSettings:
    """The settings of get_order."""
    return LookupSettings.from_environment()


@cache
def intake_settings() -> IntakeSettings:
    """The settings of create_order."""
    return IntakeSettings.from_environment()


@cache
def worker_settings() -> WorkerSettings:
    """The settings of process_order."""
    return WorkerSettings.from_environment()
