"""CloudWatch: alarms, dashboards and log groups."""

from collections.abc import Mapping
from typing import Any, ClassVar

from local.services.aws import Aws
from local.services.base import Created, Handler, Inputs, Put, ignore_gone, names, without

_SUPPRESSOR = {
    "alarm": "ActionsSuppressor",
    "extensionPeriod": "ActionsSuppressorExtensionPeriod",
    "waitPeriod": "ActionsSuppressorWaitPeriod",
}


class _Alarm(Put):
    """An alarm. Its id is its name."""

    service, key = "cloudwatch", "AlarmName"

    def id_of(self, inputs: Inputs, made: Mapping[str, Any]) -> str:
        return str(inputs.get("alarmName") or inputs["name"])

    def delete(self, aws: Aws, id_: str, inputs: Inputs) -> None:
        aws.cloudwatch.delete_alarms(AlarmNames=[id_])


class MetricAlarm(_Alarm):
    """An alarm on metrics."""

    pulumi_type = "aws:cloudwatch/metricAlarm:MetricAlarm"
    noun = "MetricAlarm"
    renamed: ClassVar = {
        "name": "AlarmName",
        "evaluateLowSampleCountPercentiles": "EvaluateLowSampleCountPercentile",
        "metricQueries": "Metrics",
    }
    updatable = names(
        "actionsEnabled alarmActions alarmDescription comparisonOperator datapointsToAlarm dimensions "
        "evaluateLowSampleCountPercentiles evaluationPeriods extendedStatistic insufficientDataActions metricName "
        "metricQueries namespace okActions period statistic tags threshold thresholdMetricId treatMissingData unit"
    )

    def shaped(self, inputs: Inputs) -> Inputs:
        queries = [_query(each) for each in inputs.get("metricQueries") or []]
        return {**inputs, "metricQueries": queries or None}

    def outputs(self, aws: Aws, id_: str, inputs: Inputs, made: Mapping[str, Any]) -> dict[str, Any]:
        return {"name": id_, "arn": aws.arn("cloudwatch", f"alarm:{id_}")}


def _query(query: Inputs) -> Inputs:
    """Return a metric query in the shape of PutMetricAlarm."""
    shaped, metric = {"returnData": False, **without(query, "metric")}, query.get("metric")
    if metric:
        which = {key: metric[key] for key in ("namespace", "metricName", "dimensions") if key in metric}
        shaped["metricStat"] = {"metric": which, **without(metric, *which)}
    return shaped


class CompositeAlarm(_Alarm):
    """An alarm on other alarms."""

    pulumi_type = "aws:cloudwatch/compositeAlarm:CompositeAlarm"
    noun = "CompositeAlarm"
    updatable = names(
        "actionsEnabled actionsSuppressor alarmActions alarmDescription alarmRule insufficientDataActions okActions"
    )

    def shaped(self, inputs: Inputs) -> Inputs:
        suppressor = inputs.get("actionsSuppressor") or {}
        named = {_SUPPRESSOR.get(key, key): value for key, value in suppressor.items()}
        return {**without(inputs, "actionsSuppressor"), **named}

    def outputs(self, aws: Aws, id_: str, inputs: Inputs, made: Mapping[str, Any]) -> dict[str, Any]:
        return {"arn": aws.arn("cloudwatch", f"alarm:{id_}")}


class Dashboard(Put):
    """A dashboard. Its id is its name."""

    pulumi_type = "aws:cloudwatch/dashboard:Dashboard"
    service, noun = "cloudwatch", "Dashboard"
    updatable = names("dashboardBody")

    def id_of(self, inputs: Inputs, made: Mapping[str, Any]) -> str:
        return str(inputs["dashboardName"])

    def outputs(self, aws: Aws, id_: str, inputs: Inputs, made: Mapping[str, Any]) -> dict[str, Any]:
        return {"dashboardArn": f"arn:{aws.partition}:cloudwatch::{aws.account_id}:dashboard/{id_}"}

    def delete(self, aws: Aws, id_: str, inputs: Inputs) -> None:
        ignore_gone(
            lambda: aws.cloudwatch.delete_dashboards(DashboardNames=[id_]), "DashboardNotFoundError", "ResourceNotFound"
        )


class LogGroup(Handler):
    """A log group. Its id is its name."""

    pulumi_type = "aws:cloudwatch/logGroup:LogGroup"
    service, noun, key = "logs", "LogGroup", "logGroupName"
    renamed: ClassVar = {"name": "logGroupName"}
    separate = names("retentionInDays")
    ignored: ClassVar[Mapping[str, str]] = {
        "region": "the emulator has one region",
        "skipDestroy": "affects only deletion; the emulator keeps nothing when it stops",
    }
    updatable = names("retentionInDays")

    def create(self, aws: Aws, name: str, inputs: Inputs) -> Created:
        created = super().create(aws, name, inputs)
        self._retain(aws, created.id, inputs)
        return created

    def id_of(self, inputs: Inputs, made: Mapping[str, Any]) -> str:
        return str(inputs["name"])

    def update(self, aws: Aws, id_: str, old: Inputs, new: Inputs) -> Mapping[str, Any]:
        if not new.get("retentionInDays"):
            aws.logs.delete_retention_policy(logGroupName=id_)
        self._retain(aws, id_, new)
        return self.outputs(aws, id_, new, {})

    def outputs(self, aws: Aws, id_: str, inputs: Inputs, made: Mapping[str, Any]) -> dict[str, Any]:
        return {"name": id_, "arn": aws.arn("logs", f"log-group:{id_}")}

    def _retain(self, aws: Aws, group: str, inputs: Inputs) -> None:
        if days := inputs.get("retentionInDays"):
            aws.logs.put_retention_policy(logGroupName=group, retentionInDays=days)
