"""Turns an alarm table into CloudWatch alarms."""

from collections.abc import Mapping
from typing import ClassVar

import pulumi
import pulumi_aws as aws
from pydantic import Field

from components.alarms.model import Alarm, AlarmTable, Composite, Metric, Ref, Tier
from components.alarms.settings import AlarmSettings
from components.alarms.topics import AlarmTopics, AlarmTopicsArgs
from components.component import Args, Component, Scope, Text

WAIT_FOR_SUPPRESSOR = 120
"""Seconds that a composite waits before it notifies, because its suppressor may go into alarm a little later."""

_DESCRIPTION_LIMIT = 1024


class AlarmsArgs(Args):
    """Settings of the alarms: the rows, the watched resources and the receivers."""

    table: AlarmTable = Field(description="Rows and composites. Each row becomes a metric alarm.")
    watched: Mapping[str, Text] = Field(
        description="Names and ids of the watched resources. `Ref(key)` stands for `watched[key]`."
    )
    settings: AlarmSettings = Field(description="The alarms' receivers, the topics' key, and the runbooks' address.")


class Alarms(Component):
    """Metric alarms, composites and the topics they notify.

    Outputs: `topics` (topic ARNs by tier), `arns` (alarm ARNs by the name of the row or composite).

    Raises:
        ValueError: `watched` lacks a name that a row uses, or composites suppress each other in a cycle.
    """

    kind: ClassVar[str] = "Alarms"

    def __init__(self, name: str, scope: Scope, args: AlarmsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, scope, opts)
        self._table, self._watched, self._settings = args.table, args.watched, args.settings
        topics = AlarmTopics(f"{name}-topics", scope, AlarmTopicsArgs(settings=args.settings), self.child())
        self.topics: Mapping[Tier, pulumi.Output[str]] = topics.arns
        self._regional_topics = {region: self._topics_in(region) for region in _regions(args.table)}
        rows = {row.name: self._alarm(row) for row in args.table.alarms}
        groups: dict[str, aws.cloudwatch.CompositeAlarm] = {}
        for composite in _suppressors_first(args.table.composites):
            groups[composite.name] = self._composite(composite, rows, groups)
        self.arns: Mapping[str, pulumi.Output[str]] = {
            **{key: alarm.arn for key, alarm in rows.items()},
            **{key: alarm.arn for key, alarm in groups.items()},
        }
        self.register_outputs({"topics": {str(tier): arn for tier, arn in self.topics.items()}})

    def _topics_in(self, region: str) -> Mapping[Tier, pulumi.Output[str]]:
        tiers = {row.tier for row in self._table.alarms if row.region == region}
        args = AlarmTopicsArgs(settings=self._settings, tiers=tuple(sorted(tiers)), region=region)
        return AlarmTopics(f"{self.logical_name}-topics-{region}", self.scope, args, self.child()).arns

    def _alarm(self, row: Alarm) -> aws.cloudwatch.MetricAlarm:
        notifying_composite = self._table.composite_of(row.name)
        topics = self.topics if row.region is None else self._regional_topics[row.region]
        actions = [] if notifying_composite else [topics[row.tier]]
        single = next(iter(row.metrics.values())) if row.expression is None else None
        return aws.cloudwatch.MetricAlarm(
            f"{self.logical_name}-{row.name}",
            name=self.scope.name(row.name),
            region=row.region,
            alarm_description=self._description(row),
            comparison_operator=f"{row.threshold.comparison}",
            threshold=row.threshold.value,
            evaluation_periods=row.periods,
            datapoints_to_alarm=row.to_alarm,
            treat_missing_data=row.missing,
            alarm_actions=actions,
            ok_actions=actions,
            evaluate_low_sample_count_percentiles=row.low_samples,
            metric_queries=metric_queries(row, self._watched) if single is None else None,
            period=None if single is None else row.period,
            namespace=None if single is None else self._resolve(single.namespace),
            metric_name=None if single is None else single.name,
            dimensions=None if single is None else self._dimensions(single),
            statistic=None if single is None or _percentile(single) else single.statistic,
            extended_statistic=single.statistic if single is not None and _percentile(single) else None,
            tags=self.scope.tags,
            opts=self.child(),
        )

    def _composite(
        self,
        composite: Composite,
        rows: Mapping[str, aws.cloudwatch.MetricAlarm],
        groups: Mapping[str, aws.cloudwatch.CompositeAlarm],
    ) -> aws.cloudwatch.CompositeAlarm:
        # The names are the alarms' outputs, so Pulumi creates the alarms first: a rule can name only existing alarms.
        named = pulumi.Output.all(**{row: rows[row].name for row in composite.rows})
        suppressor = None
        if composite.quiet_while is not None:
            suppressor = aws.cloudwatch.CompositeAlarmActionsSuppressorArgs(
                alarm=groups[composite.quiet_while].alarm_name,
                extension_period=composite.quiet_after,
                wait_period=WAIT_FOR_SUPPRESSOR,
            )
        actions = [self.topics[composite.tier]]
        return aws.cloudwatch.CompositeAlarm(
            f"{self.logical_name}-{composite.name}",
            alarm_name=self.scope.name(composite.name),
            alarm_description=self._description(composite),
            alarm_rule=named.apply(lambda names: _rule(composite, names)),
            alarm_actions=actions,
            ok_actions=actions,
            actions_suppressor=suppressor,
            tags=self.scope.tags,
            opts=self.child(),
        )

    def _description(self, row: Alarm | Composite) -> str:
        link = runbook_link(self._settings.runbook_base_url, row)
        text = f"[{row.tier}] {row.title}. {row.why}"
        room = _DESCRIPTION_LIMIT - len(link) - len(" Runbook: ")
        return f"{text[:room]} Runbook: {link}"

    def _dimensions(self, metric: Metric) -> dict[str, Text]:
        return {name: self._resolve(value) for name, value in metric.dimensions.items()}

    def _resolve(self, value: str | Ref) -> Text:
        return resolve(value, self._watched)


def _regions(table: AlarmTable) -> list[str]:
    return sorted({row.region for row in table.alarms if row.region is not None})


def _rule(composite: Composite, names: Mapping[str, str]) -> str:
    """Return the composite's alarm rule, with the physical names of its rows."""
    alone = [f'ALARM("{names[row]}")' for row in composite.members]
    together = [f'(ALARM("{names[a]}") AND ALARM("{names[b]}"))' for a, b in composite.pairs]
    return " OR ".join([*alone, *together])


def metric_queries(row: Alarm, watched: Mapping[str, Text]) -> list[aws.cloudwatch.MetricAlarmMetricQueryArgs]:
    """Return a row's metrics and its expression in CloudWatch's form.

    Raises:
        ValueError: `watched` lacks a name that the row uses.
    """
    queries = [
        aws.cloudwatch.MetricAlarmMetricQueryArgs(
            id=identifier,
            return_data=False,
            metric=aws.cloudwatch.MetricAlarmMetricQueryMetricArgs(
                namespace=resolve(metric.namespace, watched),
                metric_name=metric.name,
                dimensions={name: resolve(value, watched) for name, value in metric.dimensions.items()},
                period=row.period,
                stat=metric.statistic,
            ),
        )
        for identifier, metric in row.metrics.items()
    ]
    result = aws.cloudwatch.MetricAlarmMetricQueryArgs(
        id="result", expression=row.expression, label=row.title, return_data=True
    )
    return [*queries, result]


def resolve(value: str | Ref, watched: Mapping[str, Text]) -> Text:
    """Return the name that a `Ref` stands for; return a literal unchanged.

    Raises:
        ValueError: `watched` has no such name.
    """
    if isinstance(value, str):
        return value
    if value.key not in watched:
        raise ValueError(
            f"alarms watch {value.key!r}, which is not among the given names: {', '.join(sorted(watched))}"
        )
    return watched[value.key]


def runbook_link(base_url: str, row: Alarm | Composite) -> str:
    """Return the address of the row's runbook."""
    return f"{base_url.rstrip('/')}/{row.runbook}.md#{row.heading}"


def _percentile(metric: Metric) -> bool:
    return metric.statistic.startswith("p")


def _suppressors_first(composites: tuple[Composite, ...]) -> list[Composite]:
    # A suppressor must exist before its composite. `AlarmTable` has already refused unknown names,
    # so the only possible error here is a cycle.
    ordered: list[Composite] = []
    waiting = list(composites)
    while waiting:
        done = {composite.name for composite in ordered}
        ready = [c for c in waiting if c.quiet_while is None or c.quiet_while in done]
        if not ready:
            raise ValueError(f"composites suppress each other in a cycle: {', '.join(c.name for c in waiting)}")
        ordered += ready
        waiting = [composite for composite in waiting if composite not in ready]
    return ordered
