"""Reads metrics and log lines from CloudWatch."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, Literal

from botocore.exceptions import ClientError

from ops.errors import OpsError
from ops.logic.log_lines import LogEvent, parse_line

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_cloudwatch.type_defs import MetricDataQueryTypeDef
    from mypy_boto3_logs import CloudWatchLogsClient

_DAY: Final = 86_400
# CloudWatch keeps one-minute periods for 15 days and five-minute periods for 63 days, and returns about 100,000 points
# per request.
_PERIODS: Final = ((_DAY, 60), (14 * _DAY, 300))
_LONGEST_PERIOD: Final = 3_600


@dataclass(frozen=True, slots=True)
class Query:
    """One metric over a time span.

    Attributes:
        key: Name of the value in the result.
        statistic: `Sum`, `Maximum`, `pNN` (a percentile) or `TC(:N)` (how many values are N or less).
        combine: How the values of the periods are combined: their sum, the latest, or the highest. For a
            percentile, a period is a whole day, because the percentiles of shorter periods cannot be
            combined. If the time span is shorter than a day, the period is the span, rounded up to hours.
    """

    key: str
    namespace: str
    metric: str
    dimensions: dict[str, str]
    statistic: str = "Sum"
    combine: Literal["sum", "latest", "highest"] = "sum"


@dataclass(frozen=True, slots=True)
class Value:
    """Combined value of a metric. `last` is the beginning of the latest period whose value was not zero."""

    amount: float
    last: datetime | None


class Telemetry:
    """Metrics and logs of a stack in CloudWatch."""

    def __init__(self, cloudwatch: "CloudWatchClient", logs: "CloudWatchLogsClient") -> None:
        self._cloudwatch = cloudwatch
        self._logs = logs

    def values(self, queries: Sequence[Query], start: datetime, end: datetime) -> dict[str, Value]:
        """Return the values of metrics by key. A metric without data is left out.

        Raises:
            OpsError: CloudWatch failed to return one of the metrics.
        """
        seconds = (end - start).total_seconds()
        period = next((period for longest, period in _PERIODS if seconds <= longest), _LONGEST_PERIOD)
        whole = min(_DAY, -(-int(seconds) // _LONGEST_PERIOD) * _LONGEST_PERIOD)
        requests: list[MetricDataQueryTypeDef] = [
            {
                "Id": f"q{index}",
                "MetricStat": {
                    "Metric": {
                        "Namespace": query.namespace,
                        "MetricName": query.metric,
                        "Dimensions": [{"Name": name, "Value": value} for name, value in query.dimensions.items()],
                    },
                    "Period": whole if query.statistic.startswith("p") else period,
                    "Stat": query.statistic,
                },
            }
            for index, query in enumerate(queries)
        ]
        pages = self._cloudwatch.get_paginator("get_metric_data").paginate(
            MetricDataQueries=requests, StartTime=start, EndTime=end
        )
        points: defaultdict[str, list[tuple[datetime, float]]] = defaultdict(list)
        # All pages of a metric except the last have the status PartialData.
        statuses: dict[str, str] = {}
        for page in pages:
            if page.get("Messages"):
                raise OpsError(f"CloudWatch left metrics out: {page['Messages'][0].get('Value')}")
            for result in page["MetricDataResults"]:
                statuses[result["Id"]] = result.get("StatusCode", "Complete")
                points[result["Id"]] += zip(result["Timestamps"], result["Values"], strict=True)
        if unanswered := set(statuses.values()) - {"Complete"}:
            raise OpsError(f"CloudWatch answered {', '.join(sorted(unanswered))} for one of the metrics.")
        found = ((query, sorted(points[f"q{index}"])) for index, query in enumerate(queries))
        return {query.key: _combine(of_query, query.combine) for query, of_query in found if of_query}

    def lines(self, group: str, words: Sequence[str], start_ms: int, end_ms: int) -> Iterator[dict[str, Any]]:
        """Yield those JSON lines of a log group that contain one of `words`; nothing if the group does not exist."""
        for event in self.events(group, words, start_ms, end_ms):
            line = parse_line(event.text)
            if line is not None:
                yield {"at_ms": event.at_ms, **line}

    def events(self, group: str, words: Sequence[str], start_ms: int, end_ms: int) -> Iterator[LogEvent]:
        """Yield those lines of a log group that contain one of `words`; without words, all lines.

        If the group does not exist, yields nothing."""
        pages = self._logs.get_paginator("filter_log_events").paginate(
            logGroupName=group,
            filterPattern=" ".join(f'?"{word}"' for word in words),
            startTime=start_ms,
            endTime=end_ms,
        )
        try:
            for page in pages:
                for event in page["events"]:
                    # The words are checked again, because an emulator may ignore parts of a pattern.
                    if not words or any(word in event["message"] for word in words):
                        yield LogEvent(event["timestamp"], group, event["logStreamName"], event["message"])
        except ClientError as error:
            if error.response["Error"]["Code"] != "ResourceNotFoundException":
                raise


def _combine(points: Sequence[tuple[datetime, float]], how: Literal["sum", "latest", "highest"]) -> Value:
    values = [value for _, value in points]
    amount = {"sum": sum(values), "latest": values[-1], "highest": max(values)}[how]
    return Value(amount, max((at for at, value in points if value), default=None))
