"""CloudWatch: alarms and dashboards."""

from collections.abc import Mapping
from typing import Any

from local.services.aws import Aws
from local.services.base import Created, Handler, Inputs, Tags, compact, gone_is_fine, tag_list


class Metric(Inputs):
    """A metric inside a query."""

    metric_name: str
    namespace: str
    period: int
    stat: str
    dimensions: dict[str, str] = {}  # noqa: RUF012 pydantic copies defaults
    unit: str | None = None


class MetricQuery(Inputs):
    """One line of metric math."""

    id: str
    account_id: str | None = None
    expression: str | None = None
    label: str | None = None
    metric: Metric | None = None
    period: int | None = None
    return_data: bool = False

    def parameters(self) -> dict[str, Any]:
        """As PutMetricAlarm takes it."""
        metric = self.metric
        stat = metric and compact(
            Metric={
                "Namespace": metric.namespace,
                "MetricName": metric.metric_name,
                "Dimensions": dimensions(metric.dimensions),
            },
            Period=metric.period,
            Stat=metric.stat,
            Unit=metric.unit,
        )
        return compact(
            Id=self.id,
            AccountId=self.account_id,
            Expression=self.expression,
            Label=self.label,
            MetricStat=stat,
            Period=self.period,
            ReturnData=self.return_data,
        )


def dimensions(values: Mapping[str, str]) -> list[dict[str, str]]:
    """Dimensions as the API takes them."""
    return [{"Name": name, "Value": value} for name, value in values.items()]


class MetricAlarmInputs(Inputs):
    """`aws:cloudwatch/metricAlarm:MetricAlarm`."""

    comparison_operator: str
    evaluation_periods: int
    name: str | None = None
    actions_enabled: bool = True
    alarm_actions: list[str] | None = None
    alarm_description: str | None = None
    datapoints_to_alarm: int | None = None
    dimensions: dict[str, str] | None = None
    evaluate_low_sample_count_percentiles: str | None = None
    extended_statistic: str | None = None
    insufficient_data_actions: list[str] | None = None
    metric_name: str | None = None
    metric_queries: list[MetricQuery] | None = None
    namespace: str | None = None
    ok_actions: list[str] | None = None
    period: int | None = None
    statistic: str | None = None
    tags: Tags
    threshold: float | None = None
    threshold_metric_id: str | None = None
    treat_missing_data: str = "missing"
    unit: str | None = None

    def parameters(self) -> dict[str, Any]:
        """PutMetricAlarm's parameters, the name aside."""
        return compact(
            ComparisonOperator=self.comparison_operator,
            EvaluationPeriods=self.evaluation_periods,
            ActionsEnabled=self.actions_enabled,
            AlarmActions=self.alarm_actions,
            AlarmDescription=self.alarm_description,
            DatapointsToAlarm=self.datapoints_to_alarm,
            Dimensions=dimensions(self.dimensions) if self.dimensions else None,
            EvaluateLowSampleCountPercentile=self.evaluate_low_sample_count_percentiles,
            ExtendedStatistic=self.extended_statistic,
            InsufficientDataActions=self.insufficient_data_actions,
            MetricName=self.metric_name,
            Metrics=[query.parameters() for query in self.metric_queries] if self.metric_queries else None,
            Namespace=self.namespace,
            OKActions=self.ok_actions,
            Period=self.period,
            Statistic=self.statistic,
            Tags=tag_list(self.tags) or None,
            Threshold=self.threshold,
            ThresholdMetricId=self.threshold_metric_id,
            TreatMissingData=self.treat_missing_data,
            Unit=self.unit,
        )


class MetricAlarm(Handler[MetricAlarmInputs]):
    """An alarm. Its id is its name."""

    pulumi_type = "aws:cloudwatch/metricAlarm:MetricAlarm"
    model = MetricAlarmInputs
    updatable = frozenset(info.alias or name for name, info in MetricAlarmInputs.model_fields.items() if name != "name")

    def create(self, aws: Aws, name: str, inputs: MetricAlarmInputs) -> Created:
        """Put it."""
        alarm = inputs.name or name
        aws.cloudwatch.put_metric_alarm(AlarmName=alarm, **inputs.parameters())
        return Created(alarm, {"name": alarm, "arn": aws.arn("cloudwatch", f"alarm:{alarm}")})

    def update(self, aws: Aws, id_: str, old: MetricAlarmInputs, new: MetricAlarmInputs) -> Mapping[str, Any]:
        """Put the new one."""
        return self.create(aws, id_, new).outputs

    def delete(self, aws: Aws, id_: str, inputs: MetricAlarmInputs) -> None:
        """Delete it; one that is gone is no error."""
        aws.cloudwatch.delete_alarms(AlarmNames=[id_])


class ActionsSuppressor(Inputs):
    """The alarm that keeps a composite quiet, and for how long (seconds)."""

    alarm: str
    extension_period: int
    wait_period: int


class CompositeAlarmInputs(Inputs):
    """`aws:cloudwatch/compositeAlarm:CompositeAlarm`."""

    alarm_name: str
    alarm_rule: str
    actions_enabled: bool = True
    actions_suppressor: ActionsSuppressor | None = None
    alarm_actions: list[str] | None = None
    alarm_description: str | None = None
    insufficient_data_actions: list[str] | None = None
    ok_actions: list[str] | None = None
    tags: Tags


class CompositeAlarm(Handler[CompositeAlarmInputs]):
    """An alarm on other alarms. Its id is its name."""

    pulumi_type = "aws:cloudwatch/compositeAlarm:CompositeAlarm"
    model = CompositeAlarmInputs
    updatable = frozenset(
        {
            "actionsEnabled",
            "actionsSuppressor",
            "alarmActions",
            "alarmDescription",
            "alarmRule",
            "insufficientDataActions",
            "okActions",
        }
    )

    def create(self, aws: Aws, name: str, inputs: CompositeAlarmInputs) -> Created:
        """Put it."""
        suppressor = inputs.actions_suppressor
        parameters = compact(
            ActionsEnabled=inputs.actions_enabled,
            ActionsSuppressor=suppressor.alarm if suppressor else None,
            ActionsSuppressorExtensionPeriod=suppressor.extension_period if suppressor else None,
            ActionsSuppressorWaitPeriod=suppressor.wait_period if suppressor else None,
            AlarmActions=inputs.alarm_actions,
            AlarmDescription=inputs.alarm_description,
            InsufficientDataActions=inputs.insufficient_data_actions,
            OKActions=inputs.ok_actions,
            Tags=tag_list(inputs.tags) or None,
        )
        aws.cloudwatch.put_composite_alarm(AlarmName=inputs.alarm_name, AlarmRule=inputs.alarm_rule, **parameters)
        return Created(inputs.alarm_name, {"arn": aws.arn("cloudwatch", f"alarm:{inputs.alarm_name}")})

    def update(self, aws: Aws, id_: str, old: CompositeAlarmInputs, new: CompositeAlarmInputs) -> Mapping[str, Any]:
        """Put the new one."""
        return self.create(aws, id_, new).outputs

    def delete(self, aws: Aws, id_: str, inputs: CompositeAlarmInputs) -> None:
        """Delete it; one that is gone is no error."""
        aws.cloudwatch.delete_alarms(AlarmNames=[id_])


class DashboardInputs(Inputs):
    """`aws:cloudwatch/dashboard:Dashboard`."""

    dashboard_name: str
    dashboard_body: str


class Dashboard(Handler[DashboardInputs]):
    """A dashboard. Its id is its name."""

    pulumi_type = "aws:cloudwatch/dashboard:Dashboard"
    model = DashboardInputs
    updatable = frozenset({"dashboardBody"})

    def create(self, aws: Aws, name: str, inputs: DashboardInputs) -> Created:
        """Put it."""
        aws.cloudwatch.put_dashboard(DashboardName=inputs.dashboard_name, DashboardBody=inputs.dashboard_body)
        arn = f"arn:{aws.partition}:cloudwatch::{aws.account_id}:dashboard/{inputs.dashboard_name}"
        return Created(inputs.dashboard_name, {"dashboardArn": arn})

    def update(self, aws: Aws, id_: str, old: DashboardInputs, new: DashboardInputs) -> Mapping[str, Any]:
        """Put the new one."""
        return self.create(aws, id_, new).outputs

    def delete(self, aws: Aws, id_: str, inputs: DashboardInputs) -> None:
        """Delete it."""
        gone_is_fine(
            aws.cloudwatch.delete_dashboards, "DashboardNotFoundError", "ResourceNotFound", DashboardNames=[id_]
        )
