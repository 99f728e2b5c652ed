"""Options of the deployment package: Python, architecture and byte code."""

from typing import Literal

from pydantic import Field

from pipeline.config.general import GeneralOptions
from pipeline.config.problems import Problem, values_of


class PackageOptions(GeneralOptions):
    """Options of the functions' runtime and package."""

    python_version: Literal["3.11", "3.12", "3.13", "3.14"] = Field(
        default="3.13", description="Python that the functions run on and are packaged for."
    )
    architecture: Literal["arm64", "x86_64"] = Field(
        default="arm64", description="Processor of the functions; arm64 costs a fifth less for the same time."
    )
    package_bytecode: bool = Field(
        default=True,
        description="Ships byte code, which cuts init to about a third; packaging needs a Python of exactly "
        "python_version.",
    )
    package_bytecode_release: str = Field(
        default="",
        pattern=r"^(3\.\d+\.\d+)?$",
        description="Exact Python release that compiles the code, so that all machines build equal bytes; empty: any.",
        json_schema_extra={"allowed": "a release such as 3.13.0, or empty"},
    )
    package_for_this_machine: bool = Field(
        default=False,
        description="Builds the package for this machine's Python instead of Lambda's; for the embedded AWS only.",
    )


def _package_target(config: PackageOptions) -> Problem | None:
    if not config.package_for_this_machine or config.environment == "local":
        return None
    return Problem(
        ("package_for_this_machine", "environment"),
        f"true with environment {config.environment}",
        "true only with environment local, because Lambda may have another processor",
    )


def _bytecode_release(config: PackageOptions) -> Problem | None:
    release = config.package_bytecode_release
    keys = ("package_bytecode_release", "python_version")
    if not release or release.startswith(f"{config.python_version}."):
        return None
    return Problem(keys, values_of(config, *keys), f"a release of {config.python_version}, or empty")


def _bytecode_release_unused(config: PackageOptions) -> Problem | None:
    if not config.package_bytecode_release or (config.package_bytecode and not config.package_for_this_machine):
        return None
    other = "package_for_this_machine = true" if config.package_for_this_machine else "package_bytecode = false"
    return Problem(
        ("package_bytecode_release", *other.split(" = ")[:1]),
        f"{config.package_bytecode_release} with {other}",
        "empty, because the release applies only to byte code for Lambda",
    )


PACKAGE_RULES = (
    _package_target,
    _bytecode_release,
    _bytecode_release_unused,
)
