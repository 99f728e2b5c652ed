"""Lambda: a function's aliases, permissions, event source mappings and provisioned concurrency."""

from collections.abc import Mapping
from typing import Any, ClassVar

from local.services.aws import Aws
from local.services.base import Handler, Inputs, Put, names
from local.services.functions import invoke_arn


class Alias(Handler):
    """An alias. Its id is its ARN."""

    pulumi_type = "aws:lambda/alias:Alias"
    service, noun, answered = "lambda", "Alias", "AliasArn"
    # If no weights are given, this `routingConfig` is sent, and removes the weights that were set before.
    defaults: ClassVar = {"description": "", "routingConfig": {"additionalVersionWeights": {}}}
    updatable = names("description functionVersion routingConfig")

    def which(self, id_: str) -> dict[str, Any]:
        return {"Name": id_.rsplit(":", 1)[-1]}

    def outputs(self, aws: Aws, id_: str, inputs: Inputs, made: Mapping[str, Any]) -> dict[str, Any]:
        return {"name": self.which(id_)["Name"], "arn": id_, "invokeArn": invoke_arn(aws, id_)}


class ProvisionedConcurrencyConfig(Put):
    """Provisioned concurrency of an alias or version. The emulator only stores it. The id is `function,qualifier`."""

    pulumi_type = "aws:lambda/provisionedConcurrencyConfig:ProvisionedConcurrencyConfig"
    service, noun = "lambda", "ProvisionedConcurrencyConfig"
    ignored: ClassVar[Mapping[str, str]] = {
        "skipDestroy": "affects only deletion; the emulator keeps nothing when it stops"
    }
    updatable = names("provisionedConcurrentExecutions")

    def id_of(self, inputs: Inputs, made: Mapping[str, Any]) -> str:
        return f"{inputs['functionName']},{inputs['qualifier']}"


class Permission(Handler):
    """A statement of a function's resource policy. Its id is the statement id."""

    pulumi_type = "aws:lambda/permission:Permission"
    service, noun, key = "lambda", "Permission", "StatementId"
    creates, deletes = "AddPermission", "RemovePermission"
    renamed: ClassVar = {"function": "FunctionName"}

    def whole(self, name: str, inputs: Inputs) -> Inputs:
        return {"statementId": name, **inputs}

    def id_of(self, inputs: Inputs, made: Mapping[str, Any]) -> str:
        return str(inputs["statementId"])

    def outputs(self, aws: Aws, id_: str, inputs: Inputs, made: Mapping[str, Any]) -> dict[str, Any]:
        return {"statementId": id_}


class EventSourceMapping(Handler):
    """A mapping from a queue to a function. Its id is its UUID."""

    pulumi_type = "aws:lambda/eventSourceMapping:EventSourceMapping"
    service, noun, key = "lambda", "EventSourceMapping", "UUID"
    defaults: ClassVar = {"batchSize": 10, "enabled": True}
    updatable = names(
        "batchSize enabled filterCriteria functionName functionResponseTypes maximumBatchingWindowInSeconds "
        "scalingConfig"
    )

    def outputs(self, aws: Aws, id_: str, inputs: Inputs, made: Mapping[str, Any]) -> dict[str, Any]:
        return {"uuid": id_, "functionArn": made["FunctionArn"], "state": made["State"]}
