"""Lambda: functions."""

import hashlib
from base64 import b64encode
from collections.abc import Callable, Mapping
from threading import Lock
from typing import Any, ClassVar

from botocore.exceptions import ClientError, ConnectionClosedError

from local.services.archives import zip_bytes
from local.services.aws import Aws
from local.services.base import Created, Handler, Inputs, names, retag, without

_GONE = "ResourceNotFoundException"
_SNAPSHOT_SECONDS = 120
_UPLOAD = Lock()
"""Packages are uploaded one at a time, because a busy emulator closes connections of parallel uploads."""


def invoke_arn(aws: Aws, arn: str) -> str:
    """Return the ARN by which API Gateway calls a function, version or alias."""
    return f"arn:{aws.partition}:apigateway:{aws.region}:lambda:path/2015-03-31/functions/{arn}/invocations"


def _uploaded(upload: Callable[[], str], again: Callable[[], str]) -> str:
    """Call `upload`. If the emulator closes the connection, call `again`. Return the version from the last call."""
    with _UPLOAD:
        try:
            return upload()
        except ConnectionClosedError:
            return again()


def _version_with(aws: Aws, function_name: str, code: bytes) -> str | None:
    """Return the newest version of the function, if it exists and has this code."""
    try:
        versions = aws.lambda_.list_versions_by_function(FunctionName=function_name)["Versions"]
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") != _GONE:
            raise
        return None
    return versions[-1]["Version"] if versions and versions[-1]["CodeSha256"] == _digest(code) else None


def _started(aws: Aws, function_name: str, version: str, inputs: Inputs) -> None:
    """Wait until a version with SnapStart can be called. Other versions need no wait."""
    if inputs.get("snapStart") and inputs.get("publish"):
        waiter = aws.lambda_.get_waiter("published_version_active")
        waiter.wait(
            FunctionName=function_name, Qualifier=version, WaiterConfig={"Delay": 1, "MaxAttempts": _SNAPSHOT_SECONDS}
        )


def _digest(code: bytes) -> str:
    return b64encode(hashlib.sha256(code).digest()).decode()


def _reserved(inputs: Inputs) -> int:
    """Return the reserved concurrency; -1 for none, as in Pulumi."""
    return int(inputs.get("reservedConcurrentExecutions", -1))


class Function(Handler):
    """A function. Its id is its name."""

    pulumi_type = "aws:lambda/function:Function"
    service, noun, key = "lambda", "Function", "FunctionName"
    renamed: ClassVar = {"name": "FunctionName"}
    separate = names("code reservedConcurrentExecutions")
    defaults: ClassVar = {
        "description": "",
        "memorySize": 128,
        "packageType": "Zip",
        "publish": False,
        "timeout": 3,
        "snapStart": {"applyOn": "None"},
    }
    ignored: ClassVar[Mapping[str, str]] = {
        "skipDestroy": "affects only deletion; the emulator keeps nothing when it stops",
        "sourceCodeHash": "not needed, because the stand-in for the AWS provider compares the code",
    }
    updatable = names(
        "code deadLetterConfig description environment ephemeralStorage handler kmsKeyArn layers "
        "loggingConfig memorySize publish reservedConcurrentExecutions role runtime snapStart tags timeout "
        "tracingConfig"
    )

    def shaped(self, inputs: Inputs) -> Inputs:
        return without(inputs, *self.separate)

    def create(self, aws: Aws, name: str, inputs: Inputs) -> Created:
        """Create the function and, if `publish` is set, publish its first version."""
        whole, code = self.whole(name, inputs), zip_bytes(inputs["code"])
        function_name = whole["name"]

        def upload() -> str:
            return str(self.send(aws, self.creates, whole, Code={"ZipFile": code})["Version"])

        # If the connection closed, a version with this code shows that the upload had succeeded.
        version = _uploaded(upload, lambda: _version_with(aws, function_name, code) or upload())
        return Created(function_name, self._finished(aws, function_name, whole, code, version))

    def update(self, aws: Aws, id_: str, old: Inputs, new: Inputs) -> Mapping[str, Any]:
        """Update the configuration, then upload the code, which publishes a version if `publish` is set."""
        self.send(aws, "UpdateFunctionConfiguration", new, FunctionName=id_)
        code = zip_bytes(new["code"])

        def upload() -> str:
            return str(self.send(aws, "UpdateFunctionCode", new, FunctionName=id_, ZipFile=code)["Version"])

        version = _uploaded(upload, upload)
        if _reserved(old) >= 0 > _reserved(new):
            aws.lambda_.delete_function_concurrency(FunctionName=id_)
        retag(aws.lambda_, old, new, as_list=False, Resource=aws.arn("lambda", f"function:{id_}"))
        return self._finished(aws, id_, new, code, version)

    def _finished(self, aws: Aws, name: str, inputs: Inputs, code: bytes, version: str) -> dict[str, Any]:
        """Set the reserved concurrency, if it is given. Wait until the version can be called. Return the outputs."""
        if (reserved := _reserved(inputs)) >= 0:
            aws.lambda_.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=reserved)
        _started(aws, name, version, inputs)
        arn, digest = aws.arn("lambda", f"function:{name}"), _digest(code)
        return {
            "name": name,
            "arn": arn,
            "version": version,
            "qualifiedArn": f"{arn}:{version}",
            "invokeArn": invoke_arn(aws, arn),
            "qualifiedInvokeArn": invoke_arn(aws, f"{arn}:{version}"),
            "codeSha256": digest,
            "sourceCodeHash": digest,
            "sourceCodeSize": len(code),
        }
