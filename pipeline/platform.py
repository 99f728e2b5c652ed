"""Settings that all components and functions of a stack share."""

from pathlib import Path

import pulumi

from components.component import Scope
from components.function import FunctionCode, FunctionPlatform
from pipeline import package
from pipeline.config import StackConfig
from pipeline.package import LambdaTarget, LocalTarget, PackageSpec
from runtime.models.fields import OLDEST_SCHEMA_VERSION, SCHEMA_VERSION

ROOT = Path(__file__).resolve().parent.parent


def stack_scope(config: StackConfig) -> Scope:
    """Return the scope of the deployed stack: its names, tags and permissions boundary."""
    project, stack = pulumi.get_project(), pulumi.get_stack()
    return Scope(
        prefix=f"{project}-{stack}",
        tags={"Project": project, "Stack": stack, "ManagedBy": "pulumi", **config.tags},
        boundary_arn=config.permissions_boundary_arn or None,
        # The embedded AWS uses plain HTTP. A local stack therefore allows loopback without TLS.
        plain_http_from=("127.0.0.0/8", "::1/128") if config.local_endpoint else (),
    )


def function_platform(config: StackConfig, scope: Scope) -> FunctionPlatform:
    """Return the functions' code and shared settings. Builds the package."""
    return FunctionPlatform(
        code=_code(config),
        runtime=f"python{config.python_version}",
        architecture=config.architecture,
        tracing=config.tracing,
        log_retention_days=config.log_retention_days,
        environment=_environment(config, scope.prefix),
        codedeploy_moves_aliases=config.gradual_deploy != "none",
    )


def _code(config: StackConfig) -> FunctionCode:
    lambda_target = LambdaTarget(python_version=config.python_version, architecture=config.architecture)
    # `build_package` is called through its module, so that tests can replace it and run the program without a package.
    built = package.build_package(
        PackageSpec(
            root=ROOT,
            target=LocalTarget() if config.package_for_this_machine else lambda_target,
            bytecode=config.package_bytecode,
            bytecode_release=config.package_bytecode_release or None,
        )
    )
    return FunctionCode(path=built.relative_to(ROOT), sha256=built.source_code_hash)


def _environment(config: StackConfig, prefix: str) -> dict[str, str]:
    """Return the variables of every function. Empty variables are not set."""
    variables = {
        "POWERTOOLS_METRICS_NAMESPACE": prefix,
        "POWERTOOLS_LOG_LEVEL": config.log_level,
        "POWERTOOLS_LOGGER_SAMPLE_RATE": f"{config.debug_log_percent / 100:g}",
        # No pydantic plug-in is used, and the search for plug-ins would read all METADATA files.
        "PYDANTIC_DISABLE_PLUGINS": "__all__",
        "AWS_ENDPOINT_URL": config.local_endpoint,
        # `ops deploy rollback` reads this: the schema versions that the code can read. The code writes the newest.
        "ORDER_SCHEMA_VERSIONS": f"{OLDEST_SCHEMA_VERSION}-{SCHEMA_VERSION}",
    }
    return {name: value for name, value in variables.items() if value}
