"""The alarms' configuration: who hears them, and every threshold with its default and the reason for it."""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Percent = Annotated[float, Field(gt=0, le=100)]
Count = Annotated[int, Field(ge=1)]
Seconds = Annotated[int, Field(ge=60)]

_FROZEN = ConfigDict(frozen=True, extra="forbid")


class AlarmSubscription(BaseModel):
    """One receiver of one tier's alarms."""

    model_config = _FROZEN

    protocol: Literal["email", "https", "sms", "sqs", "lambda"] = Field(
        description="How SNS delivers: `https` for paging services, `email` waits until a person confirms it."
    )
    endpoint: str = Field(
        min_length=1, description="An address, an https URL, a phone number or an ARN, by the protocol."
    )

    @model_validator(mode="after")
    def _endpoint_fits(self) -> Self:
        prefixes = {"https": "https://", "sms": "+", "sqs": "arn:", "lambda": "arn:"}
        wanted = prefixes.get(self.protocol, "")
        if not self.endpoint.startswith(wanted) or (self.protocol == "email" and "@" not in self.endpoint):
            form = f"start with {wanted!r}" if wanted else "be an e-mail address"
            raise ValueError(f"endpoint {self.endpoint!r} of protocol {self.protocol!r} must {form}")
        return self


class AlarmThresholds(BaseModel):
    """When the alarms fire. The defaults suit a shop of a few to some hundred orders a minute."""

    model_config = _FROZEN

    oldest_message_seconds: Seconds = Field(
        600, description="Page when an order waits longer than this; customers were promised minutes, not hours."
    )
    settled_latency_ms: Count = Field(
        300_000, description="Notify when the p95 of accepted to settled exceeds this: half of the promise is used up."
    )
    backlog_messages: Count = Field(
        500, description="A growing backlog smaller than this is an ordinary burst and not worth a look."
    )
    attempt_failure_percent: Percent = Field(
        25, description="Page when this share of attempts fails: single poison messages stay below it."
    )
    rate_minimum_events: Count = Field(
        3, description="A rate alarm needs this many bad events in a period: one error of one request is not 100 %."
    )
    dead_letters_per_period: Count = Field(
        10, description="Page as one flood when the dead-letter queue grows by this many in five minutes."
    )
    api_5xx_percent: Percent = Field(5, description="Page when this share of requests gets a 5xx.")
    api_4xx_percent: Percent = Field(
        50, description="Notify when this share gets a 4xx: a client's release or an attack, rarely us."
    )
    api_4xx_minimum: Count = Field(50, description="A 4xx surge needs this many in five minutes to be one.")
    api_p99_ms: Count = Field(
        3_000, description="Notify when the p99 of the API exceeds this; a cold start stays below it."
    )
    dependency_failures: Count = Field(
        5, description="Page at this many 503s of ours in five minutes: a dependency fails and clients must retry."
    )
    function_error_percent: Percent = Field(5, description="Page when this share of a function's invocations fails.")
    throttled_invocations: Count = Field(
        5, description="Page (API) or notify (worker) at this many throttled invocations in five minutes."
    )
    duration_percent_of_timeout: Percent = Field(
        80, description="Ticket when a run takes this share of its timeout: the next slow dependency kills it."
    )
    concurrency_percent: Percent = Field(
        80, description="Ticket when concurrency reaches this share of its limit: the next peak is throttled."
    )
    account_concurrency: Count = Field(
        1_000, description="The account's concurrency quota in this Region, shared by every function in it."
    )
    idempotency_conflicts: Count = Field(
        20, description="Notify at this many 409s in five minutes: clients retry too fast, or a first try hangs."
    )
    idempotency_mismatches: Count = Field(
        10, description="Notify at this many 422s for a reused key in five minutes: a client's keys are broken."
    )
    rejected_percent: Percent = Field(
        30, description="Notify when this share of orders is rejected: stock data is wrong or an article is gone."
    )
    rejected_minimum: Count = Field(10, description="A rejection rate needs this many rejections in 15 minutes.")
    expected_orders_per_hour: Annotated[int, Field(ge=0)] = Field(
        0, description="Page when fewer orders than this arrive for an hour; 0 turns the alarm off (nights, dev)."
    )
    table_throttles: Count = Field(10, description="Notify at this many throttled table requests in five minutes.")
    table_system_errors: Count = Field(5, description="Notify at this many HTTP 500 of a table in five minutes.")
    transaction_conflicts: Count = Field(
        500, description="Ticket at this many in-process settlement retries in five minutes: one article is very hot."
    )


class AlarmSettings(BaseModel):
    """The `alarms` section of a stack's configuration."""

    model_config = _FROZEN

    page: tuple[AlarmSubscription, ...] = Field(
        (), description="Who is woken. Without any, preview warns: alarms would fire unheard."
    )
    notify: tuple[AlarmSubscription, ...] = Field((), description="The team's channel, read in working hours.")
    ticket: tuple[AlarmSubscription, ...] = Field((), description="What opens a task.")
    topic_kms_key_arn: str | None = Field(
        None,
        description="Customer managed key that encrypts the alarm topics. Its policy must allow "
        "`cloudwatch.amazonaws.com` `kms:Decrypt` and `kms:GenerateDataKey*`, or no alarm is delivered.",
    )
    runbook_base_url: str = Field(
        "docs/runbooks",
        description="Where the runbooks are readable for whoever is paged; alarm descriptions link below it.",
    )
    thresholds: AlarmThresholds = Field(AlarmThresholds(), description="When the alarms fire.")

    @model_validator(mode="after")
    def _key_lets_alarms_through(self) -> Self:
        key = self.topic_kms_key_arn
        if key is not None and (not key.startswith("arn:") or ":alias/aws/" in key):
            raise ValueError(
                f"topic_kms_key_arn is {key!r}; CloudWatch cannot publish to a topic encrypted with `alias/aws/sns`: "
                "give the ARN of a customer managed key, or leave it out"
            )
        return self
