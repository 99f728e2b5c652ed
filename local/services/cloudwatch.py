"""CloudWatch: alarms and dashboards."""

from collections.abc import Mapping
from typing import Any

from local.services.aws import Aws
from local.services.base import Created, Inputs, Put, Tags, called, compact, gone_is_fine, names, tag_list


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

    def as_query(self) -> dict[str, Any]:
        """As PutMetricAlarm takes it."""
        metric = self.metric
        stat = metric and {
            "Metric": {
                "Namespace": metric.namespace,
                "MetricName": metric.metric_name,
                "Dimensions": dimensions(metric.dimensions),
            },
            **metric.parameters("namespace", "metric_name", "dimensions"),
        }
        return self.parameters("metric") | compact(MetricStat=stat)


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
    evaluate_low_sample_count_percentiles: str | None = called("EvaluateLowSampleCountPercentile")
    extended_statistic: str | None = None
    insufficient_data_actions: list[str] | None = None
    metric_name: str | None = None
    metric_queries: list[MetricQuery] | None = None
    namespace: str | None = None
    ok_actions: list[str] | None = called("OKActions")
    period: int | None = None
    statistic: str | None = None
    tags: Tags
    threshold: float | None = None
    threshold_metric_id: str | None = None
    treat_missing_data: str = "missing"
    unit: str | None = None

    def settings(self) -> dict[str, Any]:
        """PutMetricAlarm's parameters, the name aside."""
        return self.parameters("dimensions", "metric_queries", "name", "tags") | compact(
            Dimensions=dimensions(self.dimensions) if self.dimensions else None,
            Metrics=[query.as_query() for query in self.metric_queries] if self.metric_queries else None,
            Tags=tag_list(self.tags) or None,
        )


class MetricAlarm(Put[MetricAlarmInputs]):
    """An alarm. Its id is its name."""

    pulumi_type = "aws:cloudwatch/metricAlarm:MetricAlarm"
    model = MetricAlarmInputs
    updatable = frozenset(info.alias or name for name, info in MetricAlarmInputs.model_fields.items() if name != "name")

    def create(self, aws: Aws, name: str, inputs: MetricAlarmInputs) -> Created:
        alarm = inputs.name or name
        aws.cloudwatch.put_metric_alarm(AlarmName=alarm, **inputs.settings())
        return Created(alarm, {"name": alarm, "arn": aws.arn("cloudwatch", f"alarm:{alarm}")})

    def delete(self, aws: Aws, id_: str, inputs: MetricAlarmInputs) -> None:
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
    ok_actions: list[str] | None = called("OKActions")
    tags: Tags


class CompositeAlarm(Put[CompositeAlarmInputs]):
    """An alarm on other alarms. Its id is its name."""

    pulumi_type = "aws:cloudwatch/compositeAlarm:CompositeAlarm"
    model = CompositeAlarmInputs
    updatable = names(
        "actionsEnabled actionsSuppressor alarmActions alarmDescription alarmRule insufficientDataActions okActions"
    )

    def create(self, aws: Aws, name: str, inputs: CompositeAlarmInputs) -> Created:
        suppressor = inputs.actions_suppressor
        parameters = inputs.parameters("actions_suppressor", "tags") | compact(
            ActionsSuppressor=suppressor.alarm if suppressor else None,
            ActionsSuppressorExtensionPeriod=suppressor.extension_period if suppressor else None,
            ActionsSuppressorWaitPeriod=suppressor.wait_period if suppressor else None,
            Tags=tag_list(inputs.tags) or None,
        )
        aws.cloudwatch.put_composite_alarm(**parameters)
        return Created(inputs.alarm_name, {"arn": aws.arn("cloudwatch", f"alarm:{inputs.alarm_name}")})

    def delete(self, aws: Aws, id_: str, inputs: CompositeAlarmInputs) -> None:
        aws.cloudwatch.delete_alarms(AlarmNames=[id_])


class DashboardInputs(Inputs):
    """`aws:cloudwatch/dashboard:Dashboard`."""

    dashboard_name: str
    dashboard_body: str


class Dashboard(Put[DashboardInputs]):
    """A dashboard. Its id is its name."""

    pulumi_type = "aws:cloudwatch/dashboard:Dashboard"
    model = DashboardInputs
    updatable = names("dashboardBody")

    def create(self, aws: Aws, name: str, inputs: DashboardInputs) -> Created:
        aws.cloudwatch.put_dashboard(DashboardName=inputs.dashboard_name, DashboardBody=inputs.dashboard_body)
        arn = f"arn:{aws.partition}:cloudwatch::{aws.account_id}:dashboard/{inputs.dashboard_name}"
        return Created(inputs.dashboard_name, {"dashboardArn": arn})

    def delete(self, aws: Aws, id_: str, inputs: DashboardInputs) -> None:
        gone_is_fine(
            aws.cloudwatch.delete_dashboards, "DashboardNotFoundError", "ResourceNotFound", DashboardNames=[id_]
        )
