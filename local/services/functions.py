"""Lambda: functions."""

import hashlib
from base64 import b64encode
from collections.abc import Callable, Mapping
from threading import Lock
from typing import Any, ClassVar

import pulumi
from botocore.exceptions import ClientError, ConnectionClosedError

from local.services.archives import zip_bytes
from local.services.aws import Aws
from local.services.base import Created, Handler, Inputs, Tags, called, compact, gone_is_fine, names

_GONE = "ResourceNotFoundException"
_SNAPSHOT_SECONDS = 120
_UPLOAD = Lock()
"""Packages go up one at a time: several of 25 MB at once make a busy emulator hang up on some of them."""


class Environment(Inputs):
    """A function's environment variables."""

    variables: dict[str, str]


class TracingConfig(Inputs):
    """Whether X-Ray tracing is active."""

    mode: str


class LoggingConfig(Inputs):
    """A function's log format and group."""

    log_format: str
    log_group: str | None = None
    application_log_level: str | None = None
    system_log_level: str | None = None


class SnapStart(Inputs):
    """Whether published versions are resumed from a snapshot."""

    apply_on: str


class EphemeralStorage(Inputs):
    """Space in /tmp, in MiB."""

    size: int


class DeadLetterConfig(Inputs):
    """Where events of failed asynchronous invocations go."""

    target_arn: str


class FunctionInputs(Inputs):
    """`aws:lambda/function:Function`."""

    code: pulumi.Archive
    role: str
    handler: str
    runtime: str
    name: str | None = None
    architectures: list[str] | None = None
    dead_letter_config: DeadLetterConfig | None = None
    description: str = ""
    environment: Environment | None = None
    ephemeral_storage: EphemeralStorage | None = None
    kms_key_arn: str | None = called("KMSKeyArn")
    layers: list[str] | None = None
    logging_config: LoggingConfig | None = None
    memory_size: int = 128
    package_type: str = "Zip"
    publish: bool = False
    reserved_concurrent_executions: int = -1
    snap_start: SnapStart | None = None
    tags: Tags
    timeout: int = 3
    tracing_config: TracingConfig | None = None

    def configuration(self) -> dict[str, Any]:
        """What CreateFunction and UpdateFunctionConfiguration share."""
        of_other_calls = ("architectures", "code", "name", "package_type", "publish", "tags")
        shared = self.parameters(*of_other_calls, "reserved_concurrent_executions")
        return {"SnapStart": {"ApplyOn": "None"}, **shared}


def invoke_arn(aws: Aws, arn: str) -> str:
    """The ARN by which API Gateway calls a function, version or alias."""
    return f"arn:{aws.partition}:apigateway:{aws.region}:lambda:path/2015-03-31/functions/{arn}/invocations"


def _uploaded(upload: Callable[[], str], again: Callable[[], str]) -> str:
    """The version that `upload` made, or `again` where the emulator closed the connection; not a third time."""
    with _UPLOAD:
        try:
            return upload()
        except ConnectionClosedError:
            return again()


def _version_with(aws: Aws, function_name: str, code: bytes) -> str | None:
    """The newest version of the function, if there is one and this is its code."""
    try:
        versions = aws.lambda_.list_versions_by_function(FunctionName=function_name)["Versions"]
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") != _GONE:
            raise
        return None
    return versions[-1]["Version"] if versions and versions[-1]["CodeSha256"] == _digest(code) else None


def _started(aws: Aws, function_name: str, version: str, inputs: FunctionInputs) -> None:
    """Waits until a version that is resumed from a snapshot can be called; other versions can be at once."""
    if inputs.snap_start and inputs.publish:
        waiter = aws.lambda_.get_waiter("published_version_active")
        waiter.wait(
            FunctionName=function_name, Qualifier=version, WaiterConfig={"Delay": 1, "MaxAttempts": _SNAPSHOT_SECONDS}
        )


def _digest(code: bytes) -> str:
    return b64encode(hashlib.sha256(code).digest()).decode()


class Function(Handler[FunctionInputs]):
    """A function. Its id is its name."""

    pulumi_type = "aws:lambda/function:Function"
    model = FunctionInputs
    ignored: ClassVar[Mapping[str, str]] = {
        "skipDestroy": "about destroying; the emulator forgets everything when it stops",
        "sourceCodeHash": "tells the provider that code changed; the code itself is compared here",
    }
    updatable = names(
        "code deadLetterConfig description environment ephemeralStorage handler kmsKeyArn layers "
        "loggingConfig memorySize publish reservedConcurrentExecutions role runtime snapStart tags timeout "
        "tracingConfig"
    )

    def create(self, aws: Aws, name: str, inputs: FunctionInputs) -> Created:
        """Create it and, when asked, publish its first version."""
        function_name = inputs.name or name
        code = zip_bytes(inputs.code)

        def upload() -> str:
            return aws.lambda_.create_function(
                FunctionName=function_name,
                Code={"ZipFile": code},
                Publish=inputs.publish,
                Tags=inputs.tags,
                PackageType="Zip" if inputs.package_type == "Zip" else "Image",
                **inputs.configuration(),
                **compact(Architectures=inputs.architectures),
            )["Version"]

        # What was done before the connection closed shows by the name, and by the code that stands under it.
        version = _uploaded(upload, lambda: _version_with(aws, function_name, code) or upload())
        self._reserve(aws, function_name, inputs)
        _started(aws, function_name, version, inputs)
        return Created(function_name, self._outputs(aws, function_name, code, version))

    def update(self, aws: Aws, id_: str, old: FunctionInputs, new: FunctionInputs) -> Mapping[str, Any]:
        """Update configuration, then code, then publish."""
        aws.lambda_.update_function_configuration(FunctionName=id_, **new.configuration())
        code = zip_bytes(new.code)

        def upload() -> str:
            return aws.lambda_.update_function_code(
                FunctionName=id_, ZipFile=code, Publish=new.publish, **compact(Architectures=new.architectures)
            )["Version"]

        version = _uploaded(upload, upload)
        self._reserve(aws, id_, new)
        _started(aws, id_, version, new)
        arn = aws.arn("lambda", f"function:{id_}")
        if lost := [key for key in old.tags if key not in new.tags]:
            aws.lambda_.untag_resource(Resource=arn, TagKeys=lost)
        if new.tags:
            aws.lambda_.tag_resource(Resource=arn, Tags=new.tags)
        return self._outputs(aws, id_, code, version)

    def delete(self, aws: Aws, id_: str, inputs: FunctionInputs) -> None:
        gone_is_fine(aws.lambda_.delete_function, _GONE, FunctionName=id_)

    @staticmethod
    def _reserve(aws: Aws, function_name: str, inputs: FunctionInputs) -> None:
        if inputs.reserved_concurrent_executions >= 0:
            aws.lambda_.put_function_concurrency(
                FunctionName=function_name, ReservedConcurrentExecutions=inputs.reserved_concurrent_executions
            )

    @staticmethod
    def _outputs(aws: Aws, function_name: str, code: bytes, version: str) -> dict[str, Any]:
        arn = aws.arn("lambda", f"function:{function_name}")
        qualified = f"{arn}:{version}"
        digest = _digest(code)
        return {
            "name": function_name,
            "arn": arn,
            "version": version,
            "qualifiedArn": qualified,
            "invokeArn": invoke_arn(aws, arn),
            "qualifiedInvokeArn": invoke_arn(aws, qualified),
            "codeSha256": digest,
            "sourceCodeHash": digest,
            "sourceCodeSize": len(code),
        }
