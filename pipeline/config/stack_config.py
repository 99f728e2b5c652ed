"""Everything a stack can decide, with what each value does."""

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, ConfigDict, Field, model_validator
from pydantic.config import JsonDict

from components.alarms.settings import RECEIVER_FORM, AlarmSubscription
from components.subscription_args import SubscriptionArgs
from pipeline.config.alarm_thresholds import parse_threshold
from pipeline.config.api_options import ApiOptions
from pipeline.config.data_options import DataOptions
from pipeline.config.delivery_options import DeliveryOptions
from pipeline.config.messaging_options import MessagingOptions
from pipeline.config.problems import BrokenRulesError
from pipeline.config.rules import broken_rules

DAY = 86_400

# What CloudWatch accepts as retention.
LogRetention = Literal[
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653
]
Memory = Annotated[int, Field(ge=128, le=10_240)]
Retention = Annotated[int, Field(ge=60, le=14 * DAY)]
Reserved = Annotated[int, Field(ge=-1, le=10_000)]
Tag = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.:/+@-]{1,128}=[A-Za-z0-9_ .:/+@-]{0,256}$")]


def _receiver(text: str) -> str:
    AlarmSubscription.parse(text)
    return text


def _threshold(text: str) -> str:
    parse_threshold(text)
    return text


Receiver = Annotated[str, AfterValidator(_receiver)]
Threshold = Annotated[str, AfterValidator(_threshold)]
_RECEIVERS: JsonDict = {"allowed": RECEIVER_FORM}


class StackConfig(MessagingOptions, DataOptions, DeliveryOptions, ApiOptions):
    """The configuration of one stack; keys are `orders:<field>`. Defaults are those of a production stack."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    environment: Literal["development", "production", "local"] = Field(
        default="production",
        description="Which rules apply: production refuses shortcuts, local runs on the embedded AWS.",
    )
    owner: str = Field(
        default="orders-team",
        pattern=r"^[A-Za-z0-9_ .:/+@-]{1,256}$",
        description="Value of the tag Owner on everything: whom to ask.",
        json_schema_extra={"allowed": "1 to 256 letters, digits, spaces and . : / + @ _ -"},
    )
    extra_tags: tuple[Tag, ...] = Field(
        default=(),
        description="More tags on everything, each as Name=value.",
        json_schema_extra={"allowed": "Name=value, of letters, digits and . : / + @ _ -"},
    )

    python_version: Literal["3.11", "3.12", "3.13", "3.14"] = Field(
        default="3.13", description="Python that the functions run on and are packaged for."
    )
    architecture: Literal["arm64", "x86_64"] = Field(
        default="arm64", description="Processor of the functions; arm64 costs a fifth less for the same time."
    )
    package_bytecode: bool = Field(
        default=True,
        description="Ships byte code: cold starts are 2.6 times faster, and packaging needs exactly python_version.",
    )
    package_bytecode_release: str = Field(
        default="",
        pattern=r"^(3\.\d+\.\d+)?$",
        description="Exact Python release that compiles, so that several machines get the same bytes; empty: any.",
        json_schema_extra={"allowed": "a release such as 3.13.0, or empty"},
    )
    package_for_this_machine: bool = Field(
        default=False, description="Packages for the interpreter at hand instead of Lambda; for the embedded AWS only."
    )

    api_memory_mb: Memory = Field(default=1024, description="Memory of each API function, and with it its CPU share.")
    worker_memory_mb: Memory = Field(default=1024, description="Memory of the worker, and with it its CPU share.")
    api_timeout_seconds: int = Field(
        default=15,
        ge=6,
        le=29,
        description="When an API function is killed; below the 30 s that HTTP APIs wait, above the 5 s of a slow call.",
    )
    worker_timeout_seconds: int = Field(
        default=60, ge=1, le=900, description="When an invocation on a batch is killed."
    )
    api_reserved_concurrency: Reserved = Field(
        default=-1, description="Instances kept for, and at most used by, each API function; -1: none, 0: stopped."
    )
    worker_reserved_concurrency: Reserved = Field(
        default=-1, description="Instances kept for, and at most used by, the worker; -1: none."
    )

    queue_visibility_seconds: int = Field(
        default=360, ge=0, le=43_200, description="How long a message that killed its worker stays hidden."
    )
    queue_retention_seconds: Retention = Field(
        default=4 * DAY, description="How long a message waits in the queue before SQS deletes it."
    )
    dlq_retention_seconds: Retention = Field(
        default=14 * DAY, description="How long people have for a dead letter, counted from its original send."
    )
    max_receive_count: int = Field(
        default=8, ge=5, le=1_000, description="Receives after which a failing message becomes a dead letter."
    )
    batch_size: int = Field(default=10, ge=1, le=10_000, description="Most messages that one invocation gets.")
    batch_window_seconds: int = Field(
        default=0, ge=0, le=300, description="How long messages wait for a batch to fill: cheaper, but later."
    )
    batch_threads: int = Field(default=5, ge=1, le=100, description="Messages of a batch worked on at the same time.")
    item_budget_seconds: int = Field(
        default=20, ge=1, le=900, description="What one message may take; none is started with less time left."
    )
    time_margin_seconds: int = Field(
        default=5, ge=1, le=900, description="What an invocation needs after its last message, to report and flush."
    )
    worker_max_concurrency: int = Field(
        default=10, ge=2, le=1_000, description="Most workers at once: what the tables behind them have to bear."
    )
    retry_base_seconds: int = Field(
        default=30, ge=1, le=43_200, description="Delay after the first failure; each further one doubles it."
    )
    retry_cap_seconds: int = Field(default=900, ge=1, le=43_200, description="Longest delay between two attempts.")
    short_retry_horizon: bool = Field(
        default=False,
        description="Accepts retries that end before 20 minutes: an ordinary outage then dead-letters. For tests.",
    )

    api_idempotency_ttl_seconds: int = Field(
        default=DAY,
        ge=DAY,
        le=365 * DAY,
        description="How long an Idempotency-Key is remembered; clients are told 24 h.",
    )
    worker_idempotency_ttl_seconds: int = Field(
        default=30 * DAY, ge=DAY, le=365 * DAY, description="How long the worker remembers that an order is done."
    )

    throttle_rate: int = Field(
        default=100, ge=1, le=10_000, description="Requests per second above which 429 is answered."
    )
    throttle_burst: int = Field(default=200, ge=1, le=5_000, description="Requests that may come at once on top of it.")
    allow_anonymous: bool = Field(
        default=False,
        description="Lets a production API run without an authorizer: anybody may order, and all are one caller.",
    )

    subscriptions: tuple[SubscriptionArgs, ...] = Field(
        default=(),
        description="Who is notified. Each item is YAML text with name, protocol, endpoint, filter_policy, "
        "event_pattern, raw_message_delivery.",
        json_schema_extra={"allowed": "text with a YAML mapping such as {name: billing, protocol: sqs}"},
    )

    alarms: bool = Field(
        default=True, description="Makes the alarms and the topics they notify; the dashboard is there either way."
    )
    alarm_page_subscriptions: tuple[Receiver, ...] = Field(
        default=(),
        description="Who is woken, each as protocol=endpoint; without any, a preview warns.",
        json_schema_extra=_RECEIVERS,
    )
    alarm_notify_subscriptions: tuple[Receiver, ...] = Field(
        default=(),
        description="The team's channel, read in working hours, each as protocol=endpoint.",
        json_schema_extra=_RECEIVERS,
    )
    alarm_ticket_subscriptions: tuple[Receiver, ...] = Field(
        default=(), description="What opens a task, each as protocol=endpoint.", json_schema_extra=_RECEIVERS
    )
    alarm_thresholds: tuple[Threshold, ...] = Field(
        default=(),
        description="Changed thresholds, each as name=value, e.g. api_5xx_percent=2; docs/alarms.md lists them.",
        json_schema_extra={"allowed": "name=value, e.g. api_5xx_percent=2"},
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
        description="Where docs/runbooks is readable for whoever is paged; every alarm links below it.",
        json_schema_extra={"allowed": "a URL or path of at most 512 characters, without spaces, # and ?"},
    )

    tracing: bool = Field(
        default=True,
        description="Samples requests into X-Ray.",
        json_schema_extra={
            "cost": "5 USD per million traces recorded, of which Lambda samples about 5 % of requests",
            "consequence": "Without it nobody sees where a slow request spent its time.",
        },
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        default="INFO", description="Lines below this level are not logged."
    )
    debug_log_percent: int = Field(
        default=0, ge=0, le=100, description="Share of invocations that log at DEBUG whatever log_level says."
    )
    log_retention_days: LogRetention = Field(
        default=30,
        description="How long CloudWatch keeps logs.",
        json_schema_extra={
            "cost": "0.03 USD per GB and month; taking them in, 0.50 USD per GB, is the larger part",
            "consequence": "What is older is gone; less than the dead letters' life hides how they came.",
        },
    )

    point_in_time_recovery: bool = Field(
        default=True,
        description="Lets orders and stock be restored to any second of the last 35 days.",
        json_schema_extra={"cost": "0.20 USD per GB and month", "consequence": "Without it a mistake is final."},
    )
    deletion_protection: bool = Field(
        default=True,
        description="Makes AWS refuse to delete the tables, and the pool of callers.",
        json_schema_extra={"cost": "nothing", "consequence": "It has to be turned off before a stack can go."},
    )
    protect: bool = Field(
        default=True,
        description="Makes Pulumi refuse a plan that deletes or replaces tables, orders' queues, key or callers.",
        json_schema_extra={
            "cost": "nothing",
            "consequence": "It has to be turned off before a stack can go, and before strict_ordering is switched.",
        },
    )

    local_endpoint: str = Field(
        default="",
        pattern=r"^(https?://(127\.0\.0\.1|localhost|\[::1\]):\d{1,5})?$",
        description="Where the embedded AWS listens: functions call it, and loopback may come without TLS.",
        json_schema_extra={"allowed": "http://127.0.0.1:PORT, or empty for AWS itself"},
    )

    @model_validator(mode="after")
    def _rules(self) -> Self:
        problems = broken_rules(self)
        if problems:
            raise BrokenRulesError(problems)
        return self

    @property
    def tags(self) -> dict[str, str]:
        """The tags that the configuration decides."""
        return {"Environment": self.environment, "Owner": self.owner, **dict(_split(tag) for tag in self.extra_tags)}


def _split(tag: str) -> tuple[str, str]:
    name, _, value = tag.partition("=")
    return name, value
