"""Simulated clients of CloudWatch, Lambda and SNS, for the commands of `python -m ops`.

They have only the calls and parameters that the commands use. Other calls raise an error.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, Final

from lab.simulation.cloudwatch.evaluator import AlarmRun
from lab.simulation.cloudwatch.evaluator_metrics import MetricKey, MetricStore
from lab.simulation.cloudwatch.registered import PREFIX, Registered
from lab.simulation.fakes import Clock

MAPPING: Final = "arn:aws:lambda:us-east-1:000000000000:event-source-mapping:1"


def paged(**pages: Callable[..., Mapping[str, Any]]) -> Callable[[str], SimpleNamespace]:
    """Return the `get_paginator` of a client. Each operation answers with one page."""
    return lambda name: SimpleNamespace(paginate=lambda **params: iter([pages[name](**params)]))


@dataclass(frozen=True)
class CloudWatch:
    """CloudWatch: metrics from the store, and the program's alarms with the states that the evaluator computed."""

    clock: Clock
    store: MetricStore
    run: AlarmRun
    registered: Sequence[Registered]
    names: Mapping[str, str]
    """Names of simulated resources → names in the alarms' dimensions."""

    def get_paginator(self, name: str) -> SimpleNamespace:
        """Return the paginator of GetMetricData or of DescribeAlarms."""
        return paged(get_metric_data=self._data, describe_alarms=self._alarms)(name)

    def list_alarm_mute_rules(self, Statuses: Sequence[str]) -> Mapping[str, Any]:
        """Return no mute rules."""
        del Statuses
        return {"AlarmMuteRuleSummaries": []}

    def _data(
        self, MetricDataQueries: Sequence[Mapping[str, Any]], StartTime: datetime, EndTime: datetime
    ) -> Mapping[str, Any]:
        return {"MetricDataResults": [self._result(one, StartTime, EndTime) for one in MetricDataQueries]}

    def _result(self, query: Mapping[str, Any], start: datetime, end: datetime) -> Mapping[str, Any]:
        stat = query["MetricStat"]
        period, metric = stat["Period"], stat["Metric"]
        dimensions = {one["Name"]: self.names.get(one["Value"], one["Value"]) for one in metric["Dimensions"]}
        key = MetricKey.of(metric["Namespace"], metric["MetricName"], dimensions)
        first = int(start.timestamp()) // period * period
        series = self.store.series(key, stat["Stat"], period, range(first, int(end.timestamp()), period))
        stamps = [datetime.fromtimestamp(at, UTC) for at in series]
        return {"Id": query["Id"], "Timestamps": stamps, "Values": list(series.values()), "StatusCode": "Complete"}

    def _alarms(self, AlarmNamePrefix: str, AlarmTypes: Sequence[str]) -> Mapping[str, Any]:
        del AlarmNamePrefix, AlarmTypes  # All simulated alarms match the prefix and the types.
        found: dict[str, list[Any]] = {"MetricAlarms": [], "CompositeAlarms": []}
        for one in self.registered:
            kind = one.type.rpartition(":")[2]
            if f"{kind}s" in found:
                found[f"{kind}s"].append(self._alarm(one.inputs))
        return found

    def _alarm(self, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
        name = inputs.get("alarmName") or inputs["name"]
        since = next((one.at for one in reversed(self.run.changes) if one.alarm == name), int(self.clock.now))
        return {
            "AlarmName": name,
            "AlarmDescription": inputs["alarmDescription"],
            "AlarmRule": inputs.get("alarmRule", ""),
            "AlarmActions": inputs.get("alarmActions") or [],
            "ActionsEnabled": True,
            "StateValue": self.run.states[name],
            "StateUpdatedTimestamp": datetime.fromtimestamp(since, UTC),
        }


def lambda_client(environment: Mapping[str, str], made: float) -> Any:
    """Return a Lambda client with the functions' settings and one enabled event source mapping."""
    made_at = datetime.fromtimestamp(made, UTC)
    mapping = {
        "UUID": "1",
        "EventSourceMappingArn": MAPPING,
        "FunctionArn": f"arn:aws:lambda:us-east-1:000000000000:function:{PREFIX}-process-order:live",
        "State": "Enabled",
        "LastModified": made_at,
    }
    return SimpleNamespace(
        get_paginator=paged(list_event_source_mappings=lambda **_: {"EventSourceMappings": [mapping]}),
        get_function_configuration=lambda **_: {
            "Environment": {"Variables": dict(environment)},
            "Version": "7",
            "LastModified": made_at.isoformat(),
        },
        get_account_settings=lambda: {"AccountLimit": {"ConcurrentExecutions": 1000}},
        list_tags=lambda **_: {"Tags": {}},
    )


@dataclass(frozen=True)
class Topics:
    """SNS: publishes to the simulated topic, and lists one confirmed subscription for each topic."""

    sns: Any

    def publish(self, **params: Any) -> Any:
        """Publish to the simulated topic."""
        return self.sns.publish(**params)

    def get_paginator(self, name: str) -> SimpleNamespace:
        """Return the paginator of ListSubscriptionsByTopic."""
        return paged(list_subscriptions_by_topic=self._subscriptions)(name)

    def get_subscription_attributes(self, SubscriptionArn: str) -> Mapping[str, Any]:
        """Return attributes without a dead-letter queue."""
        return {"Attributes": {"SubscriptionArn": SubscriptionArn}}

    def _subscriptions(self, TopicArn: str) -> Mapping[str, Any]:
        one = {"SubscriptionArn": f"{TopicArn}:1", "Protocol": "https", "Endpoint": "https://subscriber.example.org"}
        return {"Subscriptions": [one]}


def groups() -> Iterator[tuple[str, str]]:
    """Yield the name of each service, as its log lines give it, and the log group that contains these lines."""
    yield "api", f"/aws/lambda/{PREFIX}-create-order"
    yield "worker", f"/aws/lambda/{PREFIX}-process-order"
