"""Pulumi's configuration is flat: strings, numbers and lists of strings. This turns it into `AlarmSettings`."""

from collections.abc import Sequence

from components.alarms.settings import AlarmSettings, AlarmSubscription, AlarmThresholds


def alarm_settings(
    *,
    page: Sequence[str],
    notify: Sequence[str],
    ticket: Sequence[str],
    thresholds: Sequence[str],
    topic_kms_key_arn: str,
    runbook_base_url: str,
) -> AlarmSettings:
    """Settings from flat values.

    Args:
        page, notify, ticket: receivers as `protocol=endpoint`, e.g. `email=team@example.com`.
        thresholds: changes of defaults as `name=value`, e.g. `api_5xx_percent=2`.
        topic_kms_key_arn: empty for none.
        runbook_base_url: where the runbooks are readable.

    Raises:
        ValueError: an item that is no pair, an unknown threshold, or a value that is not allowed.
    """
    return AlarmSettings(
        page=_receivers("alarm_page_subscriptions", page),
        notify=_receivers("alarm_notify_subscriptions", notify),
        ticket=_receivers("alarm_ticket_subscriptions", ticket),
        topic_kms_key_arn=topic_kms_key_arn or None,
        runbook_base_url=runbook_base_url,
        thresholds=_thresholds(thresholds),
    )


def _receivers(key: str, items: Sequence[str]) -> tuple[AlarmSubscription, ...]:
    pairs = (_pair(key, item, "email=team@example.com") for item in items)
    return tuple(
        AlarmSubscription.model_validate({"protocol": protocol, "endpoint": endpoint}) for protocol, endpoint in pairs
    )


def _thresholds(items: Sequence[str]) -> AlarmThresholds:
    changes: dict[str, str] = {}
    for item in items:
        name, value = _pair("alarm_thresholds", item, "api_5xx_percent=2")
        if name not in AlarmThresholds.model_fields:
            known = ", ".join(sorted(AlarmThresholds.model_fields))
            raise ValueError(f"alarm_thresholds: given {name!r}; allowed: {known}")
        if name in changes:
            raise ValueError(f"alarm_thresholds: given {name!r} twice; allowed: once")
        changes[name] = value
    return AlarmThresholds.model_validate(changes)


def _pair(key: str, item: str, example: str) -> tuple[str, str]:
    name, separator, value = item.partition("=")
    if not (name and separator and value):
        raise ValueError(f"{key}: given {item!r}; allowed: items such as {example}")
    return name, value
