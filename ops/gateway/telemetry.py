"""CloudWatch: our metrics, the queues' ages, alarms, and log lines."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_cloudwatch.type_defs import MetricDataQueryTypeDef
    from mypy_boto3_logs import CloudWatchLogsClient

_DAY: Final = 86_400
# CloudWatch keeps minutes for 15 days and five minutes for 63, and gives about 100,000 points in one answer.
_PERIODS: Final = ((_DAY, 60), (14 * _DAY, 300))
_LONGEST_PERIOD: Final = 3_600


@dataclass(frozen=True, slots=True)
class Query:
    """One metric over the last while. `statistic` is Sum or Maximum."""

    key: str
    namespace: str
    metric: str
    dimensions: dict[str, str]
    statistic: str


@dataclass(frozen=True, slots=True)
class Alarm:
    """An alarm that is raised."""

    name: str
    description: str


class Telemetry:
    """What CloudWatch knows of a stack."""

    def __init__(self, cloudwatch: "CloudWatchClient", logs: "CloudWatchLogsClient") -> None:
        self._cloudwatch = cloudwatch
        self._logs = logs

    def values(self, queries: Sequence[Query], start: datetime, end: datetime) -> dict[str, float | None]:
        """By key: the sum, or the latest maximum; `None` without data."""
        seconds = (end - start).total_seconds()
        period = next((period for longest, period in _PERIODS if seconds <= longest), _LONGEST_PERIOD)
        requests: list[MetricDataQueryTypeDef] = [
            {
                "Id": query.key,
                "MetricStat": {
                    "Metric": {
                        "Namespace": query.namespace,
                        "MetricName": query.metric,
                        "Dimensions": [{"Name": name, "Value": value} for name, value in query.dimensions.items()],
                    },
                    "Period": period,
                    "Stat": query.statistic,
                },
            }
            for query in queries
        ]
        answer = self._cloudwatch.get_metric_data(
            MetricDataQueries=requests, StartTime=start, EndTime=end, ScanBy="TimestampDescending"
        )
        points = {result["Id"]: result.get("Values", []) for result in answer["MetricDataResults"]}
        summed = {query.key for query in queries if query.statistic == "Sum"}
        return {
            query.key: None if not points.get(query.key) else _combine(points[query.key], summed=query.key in summed)
            for query in queries
        }

    def alarms(self, prefix: str) -> tuple[int, list[Alarm]]:
        """How many alarms the stack has, and those that are raised."""
        pages: Any = self._cloudwatch.get_paginator("describe_alarms").paginate(
            AlarmNamePrefix=f"{prefix}-", AlarmTypes=["MetricAlarm", "CompositeAlarm"]
        )
        kinds = ("CompositeAlarms", "MetricAlarms")
        found: list[Any] = [one for page in pages for kind in kinds for one in page.get(kind, ())]
        raised = [
            Alarm(one["AlarmName"], one.get("AlarmDescription", "")) for one in found if one["StateValue"] == "ALARM"
        ]
        return len(found), raised

    def lines(self, group: str, words: Sequence[str], start_ms: int, end_ms: int) -> Iterator[dict[str, Any]]:
        """JSON log lines of a group that contain one of `words`. A group that does not exist has none."""
        pages = self._logs.get_paginator("filter_log_events").paginate(
            logGroupName=group,
            filterPattern=" ".join(f'?"{word}"' for word in words),
            startTime=start_ms,
            endTime=end_ms,
        )
        try:
            for page in pages:
                for event in page["events"]:
                    line = _parse(event["message"])
                    # Checked again: an emulator may understand patterns less well.
                    if line is not None and any(word in event["message"] for word in words):
                        yield {"at_ms": event["timestamp"], **line}
        except ClientError as error:
            if error.response["Error"]["Code"] != "ResourceNotFoundException":
                raise


def _combine(values: Sequence[float], *, summed: bool) -> float:
    return sum(values) if summed else values[0]


def _parse(text: str) -> dict[str, Any] | None:
    try:
        line = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return line if isinstance(line, dict) else None
