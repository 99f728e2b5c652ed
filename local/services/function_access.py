"""Lambda: aliases and permissions, by which others reach a function, and the instances that wait for them."""

from collections.abc import Mapping
from typing import Any, ClassVar

from local.services.aws import Aws
from local.services.base import Created, Handler, Inputs, compact, gone_is_fine
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

    def routing(self) -> Any:
        """The weights as the API takes them."""
        weights = self.routing_config.additional_version_weights if self.routing_config else {}
        return {"AdditionalVersionWeights": weights}


class Alias(Handler[AliasInputs]):
    """An alias. Its id is its ARN."""

    pulumi_type = "aws:lambda/alias:Alias"
    model = AliasInputs
    updatable = frozenset({"description", "functionVersion", "routingConfig"})

    def create(self, aws: Aws, name: str, inputs: AliasInputs) -> Created:
        """Create it."""
        arn = aws.lambda_.create_alias(
            FunctionName=inputs.function_name,
            Name=inputs.name or name,
            FunctionVersion=inputs.function_version,
            Description=inputs.description,
            **compact(RoutingConfig=inputs.routing() if inputs.routing_config else None),
        )["AliasArn"]
        return Created(arn, {"name": inputs.name or name, "arn": arn, "invokeArn": invoke_arn(aws, arn)})

    def update(self, aws: Aws, id_: str, old: AliasInputs, new: AliasInputs) -> Mapping[str, Any]:
        """Point it elsewhere."""
        alias_name = id_.rsplit(":", 1)[-1]
        aws.lambda_.update_alias(
            FunctionName=new.function_name,
            Name=alias_name,
            FunctionVersion=new.function_version,
            Description=new.description,
            RoutingConfig=new.routing(),
        )
        return {"name": alias_name, "arn": id_, "invokeArn": invoke_arn(aws, id_)}

    def delete(self, aws: Aws, id_: str, inputs: AliasInputs) -> None:
        """Delete it."""
        gone_is_fine(aws.lambda_.delete_alias, _GONE, FunctionName=inputs.function_name, Name=id_.rsplit(":", 1)[-1])


class ProvisionedConcurrencyInputs(Inputs):
    """`aws:lambda/provisionedConcurrencyConfig:ProvisionedConcurrencyConfig`."""

    function_name: str
    qualifier: str
    provisioned_concurrent_executions: int


class ProvisionedConcurrencyConfig(Handler[ProvisionedConcurrencyInputs]):
    """Instances kept ready behind an alias or version: kept as a number. Its id is `function,qualifier`."""

    pulumi_type = "aws:lambda/provisionedConcurrencyConfig:ProvisionedConcurrencyConfig"
    model = ProvisionedConcurrencyInputs
    ignored: ClassVar[Mapping[str, str]] = {
        "skipDestroy": "about destroying; the emulator forgets everything when it stops"
    }
    updatable = frozenset({"provisionedConcurrentExecutions"})

    def create(self, aws: Aws, name: str, inputs: ProvisionedConcurrencyInputs) -> Created:
        """Set the number."""
        self._put(aws, inputs)
        return Created(f"{inputs.function_name},{inputs.qualifier}")

    def update(
        self, aws: Aws, id_: str, old: ProvisionedConcurrencyInputs, new: ProvisionedConcurrencyInputs
    ) -> Mapping[str, Any]:
        """Set another number."""
        self._put(aws, new)
        return {}

    def delete(self, aws: Aws, id_: str, inputs: ProvisionedConcurrencyInputs) -> None:
        """Keep none ready."""
        gone_is_fine(
            aws.lambda_.delete_provisioned_concurrency_config,
            _GONE,
            FunctionName=inputs.function_name,
            Qualifier=inputs.qualifier,
        )

    @staticmethod
    def _put(aws: Aws, inputs: ProvisionedConcurrencyInputs) -> None:
        aws.lambda_.put_provisioned_concurrency_config(
            FunctionName=inputs.function_name,
            Qualifier=inputs.qualifier,
            ProvisionedConcurrentExecutions=inputs.provisioned_concurrent_executions,
        )


class PermissionInputs(Inputs):
    """`aws:lambda/permission:Permission`."""

    action: str
    function: str
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
        """Add it."""
        statement_id = inputs.statement_id or name
        aws.lambda_.add_permission(
            FunctionName=inputs.function,
            StatementId=statement_id,
            Action=inputs.action,
            Principal=inputs.principal,
            **compact(Qualifier=inputs.qualifier, SourceAccount=inputs.source_account, SourceArn=inputs.source_arn),
        )
        return Created(statement_id, {"statementId": statement_id})

    def delete(self, aws: Aws, id_: str, inputs: PermissionInputs) -> None:
        """Remove it."""
        gone_is_fine(
            aws.lambda_.remove_permission,
            _GONE,
            FunctionName=inputs.function,
            StatementId=id_,
            **compact(Qualifier=inputs.qualifier),
        )
