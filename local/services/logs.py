"""CloudWatch Logs: log groups."""

from collections.abc import Mapping
from typing import Any, ClassVar

from local.services.aws import Aws
from local.services.base import Created, Handler, Inputs, Tags, compact, gone_is_fine, names

_GONE = "ResourceNotFoundException"


class LogGroupInputs(Inputs):
    """`aws:cloudwatch/logGroup:LogGroup`."""

    name: str | None = None
    kms_key_id: str | None = None
    log_group_class: str | None = None
    retention_in_days: int | None = None
    tags: Tags


class LogGroup(Handler[LogGroupInputs]):
    """A log group. Its id is its name."""

    pulumi_type = "aws:cloudwatch/logGroup:LogGroup"
    model = LogGroupInputs
    ignored: ClassVar[Mapping[str, str]] = {
        "region": "everything is made in the one emulated region",
        "skipDestroy": "about destroying; the emulator forgets everything when it stops",
    }
    updatable = names("retentionInDays")

    def create(self, aws: Aws, name: str, inputs: LogGroupInputs) -> Created:
        group = inputs.name or name
        parameters = compact(kmsKeyId=inputs.kms_key_id, logGroupClass=inputs.log_group_class, tags=inputs.tags or None)
        aws.logs.create_log_group(logGroupName=group, **parameters)
        self._retain(aws, group, inputs)
        return Created(group, {"name": group, "arn": aws.arn("logs", f"log-group:{group}")})

    def update(self, aws: Aws, id_: str, old: LogGroupInputs, new: LogGroupInputs) -> Mapping[str, Any]:
        if new.retention_in_days is None:
            aws.logs.delete_retention_policy(logGroupName=id_)
        self._retain(aws, id_, new)
        return {"name": id_, "arn": aws.arn("logs", f"log-group:{id_}")}

    def delete(self, aws: Aws, id_: str, inputs: LogGroupInputs) -> None:
        gone_is_fine(aws.logs.delete_log_group, _GONE, logGroupName=id_)

    @staticmethod
    def _retain(aws: Aws, group: str, inputs: LogGroupInputs) -> None:
        if inputs.retention_in_days:
            aws.logs.put_retention_policy(logGroupName=group, retentionInDays=inputs.retention_in_days)
