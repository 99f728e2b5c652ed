"""Lambda: aliases and permissions, by which others reach a function, and the instances that wait for them."""

from collections.abc import Mapping
from typing import Any, ClassVar

from local.services.aws import Aws
from local.services.base import Created, Handler, Inputs, Put, called, compact, gone_is_fine, names
from local.services.functions import invoke_arn

_GONE = "ResourceNotFoundException"


class RoutingConfig(Inputs):
    """Weights of further versions."""

    additional_version_weights: dict[str, float]


class AliasInputs(Inputs):
    """`aws:lambda/alias:Alias`."""

    function_name: str
    function_version: str
    name: str | None = None
    description: str = ""
    routing_config: RoutingConfig | None = None


class Alias(Handler[AliasInputs]):
    """An alias. Its id is its ARN."""

    pulumi_type = "aws:lambda/alias:Alias"
    model = AliasInputs
    updatable = names("description functionVersion routingConfig")

    def create(self, aws: Aws, name: str, inputs: AliasInputs) -> Created:
        arn = aws.lambda_.create_alias(Name=inputs.name or name, **inputs.parameters("name"))["AliasArn"]
        return Created(arn, {"name": inputs.name or name, "arn": arn, "invokeArn": invoke_arn(aws, arn)})

    def update(self, aws: Aws, id_: str, old: AliasInputs, new: AliasInputs) -> Mapping[str, Any]:
        alias_name = id_.rsplit(":", 1)[-1]
        aws.lambda_.update_alias(
            Name=alias_name,
            # Without weights: none is left of those before.
            **{"RoutingConfig": {"AdditionalVersionWeights": {}}, **new.parameters("name")},
        )
        return {"name": alias_name, "arn": id_, "invokeArn": invoke_arn(aws, id_)}

    def delete(self, aws: Aws, id_: str, inputs: AliasInputs) -> None:
        gone_is_fine(aws.lambda_.delete_alias, _GONE, FunctionName=inputs.function_name, Name=id_.rsplit(":", 1)[-1])


class ProvisionedConcurrencyInputs(Inputs):
    """`aws:lambda/provisionedConcurrencyConfig:ProvisionedConcurrencyConfig`."""

    function_name: str
    qualifier: str
    provisioned_concurrent_executions: int


class ProvisionedConcurrencyConfig(Put[ProvisionedConcurrencyInputs]):
    """Instances kept ready behind an alias or version: kept as a number. Its id is `function,qualifier`."""

    pulumi_type = "aws:lambda/provisionedConcurrencyConfig:ProvisionedConcurrencyConfig"
    model = ProvisionedConcurrencyInputs
    ignored: ClassVar[Mapping[str, str]] = {
        "skipDestroy": "about destroying; the emulator forgets everything when it stops"
    }
    updatable = names("provisionedConcurrentExecutions")

    def create(self, aws: Aws, name: str, inputs: ProvisionedConcurrencyInputs) -> Created:
        aws.lambda_.put_provisioned_concurrency_config(**inputs.parameters())
        return Created(f"{inputs.function_name},{inputs.qualifier}")

    def delete(self, aws: Aws, id_: str, inputs: ProvisionedConcurrencyInputs) -> None:
        which = inputs.parameters("provisioned_concurrent_executions")
        gone_is_fine(aws.lambda_.delete_provisioned_concurrency_config, _GONE, **which)


class PermissionInputs(Inputs):
    """`aws:lambda/permission:Permission`."""

    action: str
    function: str = called("FunctionName", ...)
    principal: str
    qualifier: str | None = None
    source_account: str | None = None
    source_arn: str | None = None
    statement_id: str | None = None


class Permission(Handler[PermissionInputs]):
    """A statement of a function's resource policy. Its id is the statement id."""

    pulumi_type = "aws:lambda/permission:Permission"
    model = PermissionInputs

    def create(self, aws: Aws, name: str, inputs: PermissionInputs) -> Created:
        statement_id = inputs.statement_id or name
        aws.lambda_.add_permission(StatementId=statement_id, **inputs.parameters("statement_id"))
        return Created(statement_id, {"statementId": statement_id})

    def delete(self, aws: Aws, id_: str, inputs: PermissionInputs) -> None:
        gone_is_fine(
            aws.lambda_.remove_permission,
            _GONE,
            FunctionName=inputs.function,
            StatementId=id_,
            **compact(Qualifier=inputs.qualifier),
        )
