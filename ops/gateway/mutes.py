"""Mute rules of CloudWatch, for planned work. Muted alarms still change their states, but notify nobody."""

import uuid
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from ops.errors import RefusedError
from ops.logic.decision import Decision
from runtime.logic.clock import Clock

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient

MOST_ALARMS: Final = 100
_MOST_TEXT: Final = 1024
# Error codes of an endpoint that does not support mute rules.
_UNKNOWN_ACTION: Final = frozenset({"InvalidAction", "UnknownOperationException", "UnknownAction"})


@dataclass(frozen=True, slots=True)
class Mute:
    """A rule that mutes alarms of the stack, now or later.

    Attributes:
        active: Whether it mutes now.
        until: When the rule expires; `None` for a rule without an end, such as one that is repeated every week.
        text: Description of the rule, with the person and the reason.
        ours: Whether `ops mute` created it.
    """

    name: str
    alarms: Sequence[str]
    active: bool
    until: datetime | None
    text: str
    ours: bool


class Mutes:
    """Mute rules of one stack's alarms."""

    def __init__(self, client: "CloudWatchClient", prefix: str, clock: Clock) -> None:
        self._client, self._clock = client, clock
        self._prefix = f"{prefix}-ops-mute-"

    def of(self, alarms: Collection[str]) -> list[Mute]:
        """Return all rules that mute one of these alarms; no rules if the endpoint does not support them."""
        try:
            names = list(self._names())
        except ClientError as error:
            if error.response["Error"]["Code"] not in _UNKNOWN_ACTION:
                raise
            return []
        found = (self._client.get_alarm_mute_rule(AlarmMuteRuleName=name) for name in names)
        return [self._mute(one) for one in found if set(alarms) & set(one.get("MuteTargets", {}).get("AlarmNames", ()))]

    def begin(self, alarms: Sequence[str], seconds: int, decision: Decision) -> list[Mute]:
        """Mute alarms from the next full minute on.

        Raises:
            RefusedError: the endpoint does not support mute rules.
        """
        # The rule begins at the next full minute, because a schedule in the past might never begin.
        start = datetime.fromtimestamp(self._clock.time(), UTC).replace(second=0, microsecond=0) + timedelta(minutes=1)
        until, made = start + timedelta(seconds=seconds), uuid.uuid4().hex[:8]
        text = f"by {decision.by}: {decision.reason}"[:_MOST_TEXT]
        mutes = []
        for first in range(0, len(alarms), MOST_ALARMS):
            chunk, name = alarms[first : first + MOST_ALARMS], f"{self._prefix}{made}-{first // MOST_ALARMS + 1}"
            self._put(name, chunk, start, until, text)
            mutes.append(Mute(name, chunk, active=False, until=until, text=text, ours=True))
        return mutes

    def end(self, mute: Mute) -> None:
        """Delete a rule."""
        self._client.delete_alarm_mute_rule(AlarmMuteRuleName=mute.name)

    def _put(self, name: str, alarms: Sequence[str], start: datetime, until: datetime, text: str) -> None:
        minutes = -(-int((until - start).total_seconds()) // 60)
        try:
            self._client.put_alarm_mute_rule(
                Name=name,
                Description=text,
                Rule={"Schedule": {"Expression": f"at({start:%Y-%m-%dT%H:%M})", "Duration": f"PT{minutes}M"}},
                MuteTargets={"AlarmNames": list(alarms)},
                ExpireDate=until,
            )
        except ClientError as error:
            if error.response["Error"]["Code"] not in _UNKNOWN_ACTION:
                raise
            raise RefusedError(
                "This endpoint does not support mute rules: it may be the embedded AWS. Nothing was changed."
            ) from None

    def _names(self) -> Iterator[str]:
        more: Any = {}
        while True:
            page: Any = self._client.list_alarm_mute_rules(Statuses=["SCHEDULED", "ACTIVE"], **more)
            for one in page["AlarmMuteRuleSummaries"]:
                yield one["AlarmMuteRuleArn"].rpartition(":")[2]
            if not page.get("NextToken"):
                return
            more = {"NextToken": page["NextToken"]}

    def _mute(self, one: Any) -> Mute:
        return Mute(
            name=one["Name"],
            alarms=one["MuteTargets"]["AlarmNames"],
            active=one["Status"] == "ACTIVE",
            until=one.get("ExpireDate"),
            text=one.get("Description", ""),
            ours=one["Name"].startswith(self._prefix),
        )
