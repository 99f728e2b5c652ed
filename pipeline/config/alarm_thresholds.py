"""Thresholds of the alarms, each with its default and its meaning."""

import difflib
from collections.abc import Sequence
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

Percent = Annotated[float, Field(gt=0, le=100)]
Count = Annotated[int, Field(ge=1)]


class AlarmThresholds(BaseModel):
    """Thresholds of the alarms. The defaults suit a shop with a few to a few hundred orders a minute."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    attempt_failure_percent: Percent = Field(
        25,
        description="Page when this share of attempts fails; one failing message alone does not raise this alarm.",
    )
    rate_minimum_events: Count = Field(
        3,
        description="`attempt-failure-rate` and the fastest burn rate fire only after this many "
        "bad events in a period. The `settling-…` alarms with a short window fire only after this "
        "many failed attempts. So one failure raises no alarm.",
    )
    slow_burn_minimum_events: Count = Field(
        10,
        description="The slower burn rates fire only after this many bad events in their long "
        "window, because in a quiet shop one event can exceed the budget.",
    )
    api_4xx_percent: Percent = Field(
        50,
        description="Notify at this share of 4xx answers. The usual cause is a client's release or an attack.",
    )
    api_4xx_minimum: Count = Field(
        50, description="`api-4xx-surge` fires only after this many 4xx answers in each of two periods of five minutes."
    )
    api_p99_ms: Count = Field(
        3_000, description="Notify when the p99 of the API reaches this; a cold start stays below it."
    )
    concurrency_percent: Percent = Field(
        80,
        description="Open a ticket when the concurrency of the worker or of the account reaches this share of its "
        "limit, because the next peak may reach the limit.",
    )
    account_concurrency: Count = Field(
        1_000, description="The account's concurrency quota in this Region, shared by every function in it."
    )
    certificate_days: Count = Field(
        30,
        description="Notify when the API's certificate expires in fewer days than this. ACM normally renews its "
        "own certificates earlier.",
    )
    idempotency_conflicts: Count = Field(
        20,
        description="Notify at this many 409s in each of two periods of five minutes: clients retry too fast, or a "
        "first try hangs.",
    )
    idempotency_mismatches: Count = Field(
        10,
        description="Notify at this many 422s for a reused key in each of two periods of five minutes: a client makes "
        "wrong keys.",
    )
    rejected_percent: Percent = Field(
        30, description="Notify when this share of orders is rejected: stock data is wrong or an article is gone."
    )
    rejected_minimum: Count = Field(
        10, description="`rejection-rate` fires only after this many rejections in 15 minutes."
    )
    expected_orders_per_hour: Annotated[int, Field(ge=0)] = Field(
        0, description="Page when orders arrive at less than this rate for an hour; 0 turns the alarm off."
    )


def parse_threshold(text: str) -> tuple[str, float]:
    """Read a changed threshold, `name=value`, e.g. `api_4xx_percent=40`.

    Raises:
        ValueError: the text does not have that form, the threshold does not exist, or its value is not allowed.
    """
    name, separator, value = text.partition("=")
    if not separator or name not in AlarmThresholds.model_fields:
        near = difflib.get_close_matches(name, AlarmThresholds.model_fields, n=1, cutoff=0.5)
        known = f"did you mean {near[0]}?" if near and separator else "docs/alarms.md lists the names"
        raise ValueError(f"given {text!r}; allowed: name=value; {known}")
    try:
        return name, float(getattr(AlarmThresholds.model_validate({name: value}), name))
    except ValidationError as error:
        rule = error.errors()[0]["msg"].removeprefix("Input should be ").partition(", unable to parse")[0]
    except OverflowError:
        rule = "a number below 1e308"
    raise ValueError(f"given {text!r}; allowed: for {name}, {rule}")


def changed_thresholds(items: Sequence[str]) -> AlarmThresholds:
    """Return the default thresholds with these changes. Raises `ValueError` as `parse_threshold` does."""
    return AlarmThresholds.model_validate(dict(parse_threshold(item) for item in items))
