"""CloudWatch Logs: log groups, their resource policies and metric filters."""

from collections.abc import Mapping
from typing import Any, ClassVar

from local.services.aws import Aws
from local.services.base import Created, Handler, Inputs, Put, Tags, compact, gone_is_fine, names

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


class MetricTransformation(Inputs):
    """The metric that a filter writes."""

    name: str
    namespace: str
    value: str
    default_value: str | None = None
    dimensions: dict[str, str] | None = None
    unit: str | None = None


class LogMetricFilterInputs(Inputs):
    """`aws:cloudwatch/logMetricFilter:LogMetricFilter`."""

    log_group_name: str
    metric_transformation: MetricTransformation
    pattern: str
    name: str | None = None


class LogMetricFilter(Put[LogMetricFilterInputs]):
    """A metric made of log lines. Its id is its name."""

    pulumi_type = "aws:cloudwatch/logMetricFilter:LogMetricFilter"
    model = LogMetricFilterInputs
    updatable = names("metricTransformation pattern")

    def create(self, aws: Aws, name: str, inputs: LogMetricFilterInputs) -> Created:
        metric = inputs.metric_transformation
        transformation: Any = compact(
            metricName=metric.name,
            metricNamespace=metric.namespace,
            metricValue=metric.value,
            defaultValue=float(metric.default_value) if metric.default_value is not None else None,
            dimensions=metric.dimensions,
            unit=metric.unit,
        )
        filter_name = inputs.name or name
        aws.logs.put_metric_filter(
            logGroupName=inputs.log_group_name,
            filterName=filter_name,
            filterPattern=inputs.pattern,
            metricTransformations=[transformation],
        )
        return Created(filter_name, {"name": filter_name})

    def delete(self, aws: Aws, id_: str, inputs: LogMetricFilterInputs) -> None:
        gone_is_fine(aws.logs.delete_metric_filter, _GONE, logGroupName=inputs.log_group_name, filterName=id_)


class LogResourcePolicyInputs(Inputs):
    """`aws:cloudwatch/logResourcePolicy:LogResourcePolicy`."""

    policy_document: str
    policy_name: str


class LogResourcePolicy(Put[LogResourcePolicyInputs]):
    """Which services may write to log groups. Its id is its name."""

    pulumi_type = "aws:cloudwatch/logResourcePolicy:LogResourcePolicy"
    model = LogResourcePolicyInputs
    updatable = names("policyDocument")

    def create(self, aws: Aws, name: str, inputs: LogResourcePolicyInputs) -> Created:
        aws.logs.put_resource_policy(policyName=inputs.policy_name, policyDocument=inputs.policy_document)
        return Created(inputs.policy_name)

    def delete(self, aws: Aws, id_: str, inputs: LogResourcePolicyInputs) -> None:
        gone_is_fine(aws.logs.delete_resource_policy, _GONE, policyName=id_)
