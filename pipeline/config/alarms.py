"""Options of the alarms: whether they exist, when they fire, and who is notified."""

from collections.abc import Iterator
from typing import Annotated

from pydantic import AfterValidator, Field
from pydantic.config import JsonDict

from components.alarms.settings import RECEIVER_FORM, AlarmSubscription
from pipeline.config.alarm_thresholds import parse_threshold
from pipeline.config.general import GeneralOptions
from pipeline.config.problems import Problem


def _receiver(text: str) -> str:
    AlarmSubscription.parse(text)
    return text


def _threshold(text: str) -> str:
    parse_threshold(text)
    return text


Receiver = Annotated[str, AfterValidator(_receiver)]
Threshold = Annotated[str, AfterValidator(_threshold)]
_RECEIVERS: JsonDict = {"allowed": RECEIVER_FORM}


class AlarmOptions(GeneralOptions):
    """Alarms and their receivers."""

    alarms: bool = Field(
        default=True, description="Creates the alarms and their topics; the dashboard exists in either case."
    )
    alarm_page_subscriptions: tuple[Receiver, ...] = Field(
        default=(),
        description="Receivers of pages, each as protocol=endpoint. Pulumi warns if there are none.",
        json_schema_extra=_RECEIVERS,
    )
    alarm_notify_subscriptions: tuple[Receiver, ...] = Field(
        default=(),
        description="Receivers of notices read in working hours, each as protocol=endpoint.",
        json_schema_extra=_RECEIVERS,
    )
    alarm_ticket_subscriptions: tuple[Receiver, ...] = Field(
        default=(),
        description="Receivers of tickets (not urgent), each as protocol=endpoint.",
        json_schema_extra=_RECEIVERS,
    )
    alarm_thresholds: tuple[Threshold, ...] = Field(
        default=(),
        description="Thresholds to change, each as name=value, e.g. api_4xx_percent=40; docs/alarms.md lists all.",
        json_schema_extra={"allowed": "name=value, e.g. api_4xx_percent=40"},
    )
    alarm_topic_kms_key_arn: str = Field(
        default="",
        pattern=r"^(arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key/[A-Za-z0-9-]+)?$",
        description="Customer managed key for the alarm topics; its policy must let cloudwatch.amazonaws.com use it.",
        json_schema_extra={
            "allowed": "the ARN of a customer managed key, or empty; with alias/aws/sns no alarm is ever delivered"
        },
    )
    runbook_base_url: str = Field(
        default="docs/runbooks",
        pattern=r"^[^\s#?]{1,512}$",
        description="Where people on call find the folder docs/runbooks; each alarm has a link to its runbook.",
        json_schema_extra={
            "allowed": "a URL or path of at most 512 characters, without spaces, # and ?; must be a URL in "
            "production if alarms have receivers"
        },
    )


def _thresholds_once(config: AlarmOptions) -> Iterator[Problem]:
    """A threshold that is given twice is ambiguous."""
    names = [item.partition("=")[0] for item in config.alarm_thresholds]
    for doubled in sorted({name for name in names if names.count(name) > 1}):
        yield Problem(("alarm_thresholds",), f"{doubled} twice", "each threshold once")


def _receivers_once(config: AlarmOptions) -> Iterator[Problem]:
    """A subscription's name is made from its receiver, and Pulumi refuses two resources with the same name."""
    for key in ("alarm_page_subscriptions", "alarm_notify_subscriptions", "alarm_ticket_subscriptions"):
        receivers = getattr(config, key)
        if len(set(receivers)) != len(receivers):
            yield Problem((key,), "a receiver twice", "each receiver once")


def _alarms_in_production(config: AlarmOptions) -> Problem | None:
    """Production needs alarms, so that somebody learns of failures."""
    if config.alarms or config.environment != "production":
        return None
    allowed = "true in production, so that somebody learns of failures"
    return Problem(("alarms", "environment"), "false in production", allowed)


def _runbook_links(config: AlarmOptions) -> Problem | None:
    """People on call open the link on a telephone, which cannot open a path in the repository."""
    subscriptions = (
        config.alarm_page_subscriptions or config.alarm_notify_subscriptions or config.alarm_ticket_subscriptions
    )
    relative = not config.runbook_base_url.startswith(("https://", "http://"))
    if config.environment != "production" or not (config.alarms and subscriptions and relative):
        return None
    return Problem(
        ("runbook_base_url",),
        f"{config.runbook_base_url!r} in production, although alarms have receivers",
        "a URL that people on call can open, e.g. https://github.com/OWNER/REPOSITORY/blob/main/docs/runbooks",
    )


ALARM_RULES = (
    _thresholds_once,
    _receivers_once,
    _alarms_in_production,
    _runbook_links,
)
