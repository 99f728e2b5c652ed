"""Settings of a subscription, for components and configuration. The module creates no resources."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, JsonValue, model_validator

from components.event_pattern import pattern_problems
from components.filter_operators import OF_TOPICS, value_problem

_ENDPOINTS = {
    "email": (re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+"), "an e-mail address such as team@example.com"),
    "sqs": (
        re.compile(r"(arn:aws[a-z-]*:sqs:[a-z0-9-]+:\d{12}:[A-Za-z0-9_-]{1,80}(\.fifo)?)?"),
        "the ARN of an SQS queue, or empty to create a queue",
    ),
    "https": (re.compile(r"https://[^\s/]+\S*"), "a URL that starts with https://"),
}
# AWS's limits on one filter policy.
_MAX_FILTER_ATTRIBUTES = 5
_MAX_FILTER_COMBINATIONS = 150


class SubscriptionError(ValueError):
    """The subscription has wrong values. For each wrong value, `problems` has what was given and what is allowed."""

    def __init__(self, problems: Sequence[tuple[str, str]]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(f"given {given}; allowed: {allowed}" for given, allowed in problems))


class SubscriptionArgs(BaseModel):
    """A subscription: its receiver, and a filter for the messages that the receiver gets."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    name: str = Field(
        pattern=r"^[a-z]([a-z0-9-]{0,18}[a-z0-9])?$",
        description="Identifies the subscription in resource names: a new name makes a new subscription.",
        json_schema_extra={
            "allowed": "1 to 20 lower-case letters, digits and hyphens, starting with a letter, not ending with -"
        },
    )
    protocol: Literal["email", "sqs", "https"] = Field(
        description="How the subscriber is reached. With `email`, nothing is sent until a person "
        "confirms the subscription."
    )
    endpoint: str = Field(
        default="",
        description="E-mail address, URL or queue ARN. The queue's policy must let SNS or EventBridge send to it. With "
        "`sqs` and no endpoint, a queue is created.",
    )
    filter_policy: Mapping[str, list[JsonValue]] = Field(
        default_factory=dict,
        description="For a topic: the accepted values of each message attribute; empty accepts all messages.",
        json_schema_extra={
            "allowed": "attribute names, each with a list of values, e.g. {event_type: [order.rejected]}"
        },
    )
    event_pattern: Mapping[str, JsonValue] = Field(
        default_factory=dict,
        description="For a bus: the EventBridge pattern of the accepted events; empty accepts all events.",
        json_schema_extra={"allowed": "an event pattern, e.g. {detail-type: [order.rejected]}"},
    )
    raw_message_delivery: bool = Field(
        default=False,
        description="Delivers the message alone, without SNS's or EventBridge's envelope; not for `email`.",
    )

    @property
    def makes_queue(self) -> bool:
        """Return whether the component creates the subscriber's queue."""
        return self.protocol == "sqs" and not self.endpoint

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if problems := [*self._problems(), *self._filter_problems()]:
            raise SubscriptionError(problems)
        return self

    def _problems(self) -> Iterator[tuple[str, str]]:
        pattern, allowed = _ENDPOINTS[self.protocol]
        if not pattern.fullmatch(self.endpoint):
            yield f"endpoint {self.endpoint!r} with protocol {self.protocol}", allowed
        if self.raw_message_delivery and self.protocol == "email":
            yield "raw_message_delivery with protocol email", "with sqs and https only"
        yield from pattern_problems(self.event_pattern)

    def _filter_problems(self) -> Iterator[tuple[str, str]]:
        empty = sorted(name for name, values in self.filter_policy.items() if not values)
        if empty:
            yield f"an empty list for {', '.join(map(repr, empty))} in filter_policy", "at least one value each"
        for value in (value for values in self.filter_policy.values() for value in values):
            if allowed := value_problem(value, OF_TOPICS):
                yield f"{value!r} in filter_policy", allowed
        combinations = 1
        for values in self.filter_policy.values():
            combinations *= len(values)
        if len(self.filter_policy) > _MAX_FILTER_ATTRIBUTES or combinations > _MAX_FILTER_COMBINATIONS:
            yield (
                f"a filter_policy of {len(self.filter_policy)} attributes and {combinations} combinations of values",
                f"at most {_MAX_FILTER_ATTRIBUTES} attributes and {_MAX_FILTER_COMBINATIONS} combinations",
            )
