"""Options of the functions: memory, timeouts and concurrency."""

from typing import Annotated, Literal

from pydantic import Field

from pipeline.config.package import PackageOptions
from pipeline.config.problems import Problem

Memory = Annotated[int, Field(ge=128, le=10_240)]
Reserved = Annotated[int, Field(ge=-1, le=10_000)]


class FunctionOptions(PackageOptions):
    """Options of the functions' memory, timeouts and concurrency."""

    api_memory_mb: Memory = Field(default=1024, description="Memory of each API function; it decides the CPU share.")
    worker_memory_mb: Memory = Field(default=1024, description="Memory of the worker; it decides the CPU share.")
    api_timeout_seconds: int = Field(
        default=15,
        ge=6,
        le=29,
        description="Timeout of the API functions. HTTP APIs wait at most 30 s for an answer, and a function calls AWS "
        "only while at least 4.5 s are left.",
    )
    worker_timeout_seconds: int = Field(default=60, ge=1, le=900, description="Timeout of the worker, for one batch.")
    api_reserved_concurrency: Reserved = Field(
        default=-1,
        description="Reserved concurrency of each API function, which is also its maximum; -1: no reservation, 0: "
        "stopped.",
    )
    worker_reserved_concurrency: Reserved = Field(
        default=-1, description="Reserved concurrency of the worker, also its maximum; -1: no reservation."
    )
    api_warm_start: Literal["none", "snap_start", "provisioned"] = Field(
        default="none",
        description="Protection of the API from cold starts: none, snapshots after init, or instances kept ready.",
        json_schema_extra={
            "cost": "for each GB of memory: snap_start costs about 4 USD a month for each version of a function, and "
            "0.14 USD for 1,000 resumes; provisioned costs about 9 USD a month for each instance on arm64 (11 on "
            "x86_64)",
            "consequence": "snap_start: Python 3.12 or newer; a new version takes minutes to publish. provisioned: "
            "calls beyond the ready instances still have cold starts. For deploys see docs/delivery.md.",
        },
    )
    api_provisioned_concurrency: int = Field(
        default=1,
        ge=1,
        le=1_000,
        description="With provisioned warm starts: number of instances of each API function that are kept ready.",
        json_schema_extra={
            "only_with": {"api_warm_start": "provisioned"},
            "cost": "each about 9 USD a month per GB on arm64",
            "consequence": "They count against the account's concurrency and against api_reserved_concurrency.",
        },
    )


def _warm_start(config: FunctionOptions) -> Problem | None:
    """Refuse what Lambda refuses: snapshots with Python 3.11, or more ready instances than reserved concurrency."""
    if config.api_warm_start == "snap_start" and config.python_version == "3.11":
        return Problem(
            ("api_warm_start", "python_version"),
            "snap_start with python_version = 3.11",
            "snap_start with Python 3.12 or newer (Lambda's rule)",
        )
    most, ready = config.api_reserved_concurrency, config.api_provisioned_concurrency
    if config.api_warm_start != "provisioned" or most == -1 or ready <= most:
        return None
    if most == 0:
        return Problem(
            ("api_reserved_concurrency", "api_warm_start"),
            "api_reserved_concurrency = 0 with api_warm_start = provisioned",
            f"api_reserved_concurrency: -1 or at least {ready} to run the API; api_warm_start: none to stop it",
        )
    return Problem(
        ("api_provisioned_concurrency", "api_reserved_concurrency"),
        f"api_provisioned_concurrency = {ready}, api_reserved_concurrency = {most}",
        f"api_provisioned_concurrency: at most {most}, the reserved concurrency; or api_reserved_concurrency: -1",
    )


FUNCTION_RULES = (_warm_start,)
