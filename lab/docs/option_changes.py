"""Two values of every option, and a configuration that allows both.

For numbers and lists, both values differ from the default. For switches and most choices, one of the two values is the
default. The program runs once with each value. The rest of the configuration is the same, unless the first value
forbids a key that the second value needs. Then only the second run has this key.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

import yaml

from lab.recording.fake_outputs import ACCOUNT
from pipeline.config import StackConfig
from pipeline.config.alarm_thresholds import AlarmThresholds

Keys = Mapping[str, str]


@dataclass(frozen=True)
class Change:
    """A change of one option from `before` to `after`. Values are text as in Pulumi; lists are JSON.

    Both runs set `config`. `needed` are keys that only the second run sets, because the first value does not allow
    them. For `alarm_thresholds`, `part` is the threshold that changes; for `subscriptions`, `part` is the
    subscription's key that changes.
    """

    option: str
    before: str
    after: str
    config: Keys
    needed: Keys = field(default_factory=dict)
    part: str = ""

    @property
    def configurations(self) -> tuple[dict[str, str], dict[str, str]]:
        """Return the keys of each run, except those with an empty or default value."""
        before = {**self.config, self.option: self.before}
        after = {**self.config, **self.needed, self.option: self.after}
        return _set(before), _set(after)

    @property
    def values(self) -> tuple[str, str]:
        """Return the two values to look for in the inputs of resources.

        If the option is a list, only one value of the list is looked for: the value of `part`, or the first item if
        `part` is empty.
        """
        first, second = _item(self.before, self.part), _item(self.after, self.part)
        return first, second

    @property
    def other_options(self) -> tuple[str, ...]:
        """Return the other options that the configurations set, except `environment`.

        For `PLAIN` the result is empty, because `PLAIN` sets most options.
        """
        if self.config is PLAIN:
            return ()
        return tuple(sorted({*self.config, *self.needed} - {self.option, "environment"}))


def _set(keys: Keys) -> dict[str, str]:
    """Return the keys whose value is neither empty nor the default.

    Configurations with the same meaning then have the same keys.
    """
    return {key: value for key, value in keys.items() if value and value != _default(key)}


def _default(key: str) -> str:
    value = StackConfig.model_fields[key].default
    return str(value).lower() if isinstance(value, bool) else str(value)


def _item(text: str, part: str) -> str:
    if not text.startswith("["):
        return text
    items: list[str] = json.loads(text)
    if not part:
        return items[0]
    # A threshold has the form name=value; a subscription is YAML.
    chosen = [each.partition("=")[2] for each in items if each.partition("=")[0] == part]
    return chosen[0] if chosen else _shown(yaml.safe_load(items[0]).get(part))


def _shown(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value) if value is not None else ""


def _list(*items: str) -> str:
    return json.dumps(items)


def _thresholds(second: bool) -> str:
    """Return all thresholds, each with a unique value, so that one recording shows where each is used."""
    items = []
    for index, (name, field_info) in enumerate(AlarmThresholds.model_fields.items()):
        # Only percentages may have a fraction.
        value = 40.25 + index + second / 2 if field_info.annotation is float else 10_007 + 100 * index + second
        items.append(f"{name}={value:g}")
    return _list(*items)


_AWS_POLICY: Final = f"arn:aws:iam::{ACCOUNT}:policy"
_KEY: Final = f"arn:aws:kms:eu-west-1:{ACCOUNT}:key"
_BILLING: Final = f"arn:aws:sqs:eu-west-1:{ACCOUNT}:billing"
_CERTIFICATE: Final = f"arn:aws:acm:us-east-1:{ACCOUNT}:certificate"

_OWN: Final = _list("{name: own, protocol: sqs}")
_FILTERED: Final = _list("{name: own, protocol: sqs, filter_policy: {event_type: [order.rejected]}}")
_RAW: Final = _list("{name: own, protocol: sqs, raw_message_delivery: true}")
_ROUTED: Final = _list("{name: own, protocol: sqs, event_pattern: {detail-type: [order.rejected]}}")
_ELSEWHERE: Final = _list(f"{{name: own, protocol: sqs, endpoint: '{_BILLING}'}}")

# Option → its two values. All first values together are a valid configuration. The configuration remains valid if
# any one option gets its second value instead.
_PLAIN: Final[Mapping[str, tuple[str, str]]] = {
    "owner": ("first-team", "second-team"),
    "extra_tags": (_list("CostCentre=first"), _list("CostCentre=second")),
    "cors_origins": (_list("https://first.example.com"), _list("https://second.example.com")),
    "api_idempotency_ttl_seconds": ("100003", "100019"),
    "throttle_rate": ("41", "43"),
    "throttle_burst": ("61", "67"),
    "log_level": ("WARNING", "ERROR"),
    "debug_log_percent": ("7", "11"),
    "log_retention_days": ("14", "60"),
    "permissions_boundary_arn": (f"{_AWS_POLICY}/first", f"{_AWS_POLICY}/second"),
    "alarm_page_subscriptions": (_list("email=page1@example.com"), _list("email=page2@example.com")),
    "alarm_notify_subscriptions": (_list("email=notify1@example.com"), _list("email=notify2@example.com")),
    "alarm_ticket_subscriptions": (_list("email=ticket1@example.com"), _list("email=ticket2@example.com")),
    "alarm_topic_kms_key_arn": (f"{_KEY}/first", f"{_KEY}/second"),
    "accepting_objective_percent": ("99.5", "99.95"),
    "settling_objective_percent": ("98", "97.5"),
    "settling_promise_seconds": ("1801", "1803"),
    "runbook_base_url": ("https://first.example.com/books", "https://second.example.com/books"),
    "python_version": ("3.12", "3.14"),
    "api_memory_mb": ("257", "263"),
    "worker_memory_mb": ("521", "523"),
    "api_timeout_seconds": ("17", "19"),
    "worker_timeout_seconds": ("101", "103"),
    "api_reserved_concurrency": ("31", "37"),
    "worker_reserved_concurrency": ("47", "53"),
    "queue_visibility_seconds": ("1201", "1213"),
    "queue_retention_seconds": ("300007", "300017"),
    "dlq_retention_seconds": ("1000003", "1000033"),
    "max_receive_count": ("9", "13"),
    "batch_size": ("21", "22"),
    "batch_window_seconds": ("2", "3"),
    "batch_threads": ("23", "29"),
    "item_budget_seconds": ("27", "28"),
    "time_margin_seconds": ("33", "34"),
    "worker_max_concurrency": ("38", "39"),
    "retry_base_seconds": ("44", "45"),
    "retry_cap_seconds": ("907", "911"),
    "worker_idempotency_ttl_seconds": ("2000003", "2000029"),
}
PLAIN: Final[Keys] = {
    "environment": "development",
    "subscriptions": _FILTERED,
    "alarm_thresholds": _thresholds(second=False),
    # With a domain, the stack has the certificate's alarm, so `certificate_days` has an effect.
    "domain_name": "first.example.com",
    "domain_zone_id": "ZFIRST",
    **{option: first for option, (first, _) in _PLAIN.items()},
}
"""A configuration in which all options of `_PLAIN`, the subscriptions and the thresholds have other values than their
defaults."""

_DEVELOPMENT: Final = {"environment": "development"}
_COGNITO: Final = {**_DEVELOPMENT, "authorizer": "cognito", "token_clients": _list("shop")}
_EXTERNAL: Final = {
    **_DEVELOPMENT,
    "authorizer": "external",
    "jwt_issuer": "https://first.example.com/",
    "jwt_audiences": _list("first"),
    "jwt_write_scope": "first-write",
    "jwt_read_scope": "first-read",
}
_DOMAIN: Final = {**_DEVELOPMENT, "domain_name": "first.example.com", "domain_zone_id": "ZFIRST"}
_WAF: Final = {
    **_DEVELOPMENT,
    "waf": "true",
    "waf_rate_limit": "2003",
    "origin_secret": "first-0123456789abcdef0123456789ab",
    "origin_secret_also_accepted": "other-0123456789abcdef0123456789ab",
}
_READY: Final = {**_DEVELOPMENT, "api_warm_start": "provisioned"}
_BUS: Final = {**_DEVELOPMENT, "events_target": "bus", "alarm_page_subscriptions": _list("email=page@example.com")}
_LOCAL: Final = {"environment": "local", "local_endpoint": "http://127.0.0.1:4001"}
_FIFO: Final = {**_DEVELOPMENT, "batch_size": "1"}

_OTHERS: Final[tuple[Change, ...]] = (
    Change("environment", "development", "production", {"allow_anonymous": "true"}),
    Change("environment", "development", "local", {}, {"local_endpoint": _LOCAL["local_endpoint"]}),
    Change("local_endpoint", "http://127.0.0.1:4001", "http://127.0.0.1:4003", _LOCAL),
    Change("authorizer", "none", "cognito", _DEVELOPMENT, _COGNITO),
    Change("authorizer", "none", "external", _DEVELOPMENT, _EXTERNAL),
    Change("allow_anonymous", "false", "true", _DEVELOPMENT),
    Change("token_clients", _list("shop"), _list("depot"), _COGNITO),
    Change("token_validity_seconds", "307", "311", _COGNITO),
    Change("jwt_issuer", "https://first.example.com/", "https://second.example.com/", _EXTERNAL),
    Change("jwt_audiences", _list("first"), _list("second"), _EXTERNAL),
    Change("jwt_write_scope", "first-write", "second-write", _EXTERNAL),
    Change("jwt_read_scope", "first-read", "second-read", _EXTERNAL),
    Change("domain_name", "", "first.example.com", _DEVELOPMENT, _DOMAIN),
    Change("domain_name", "first.example.com", "second.example.com", _DOMAIN),
    Change("domain_name", "first.example.com", "second.example.com", {**_DOMAIN, **_WAF}),
    Change("domain_certificate_arn", f"{_CERTIFICATE}/first", f"{_CERTIFICATE}/second", _DOMAIN),
    Change("domain_certificate_arn", f"{_CERTIFICATE}/first", f"{_CERTIFICATE}/second", {**_DOMAIN, **_WAF}),
    Change("domain_zone_id", "ZFIRST", "ZSECOND", _DOMAIN),
    Change("domain_zone_id", "ZFIRST", "ZSECOND", {**_DOMAIN, **_WAF}),
    Change("waf", "false", "true", _DEVELOPMENT, _WAF),
    Change("waf_rate_limit", "2003", "2011", _WAF),
    Change("waf_managed_rules", "block", "count", _WAF),
    Change("origin_secret", _WAF["origin_secret"], "second-0123456789abcdef0123456789a", _WAF),
    Change(
        "origin_secret_also_accepted", _WAF["origin_secret_also_accepted"], "another-0123456789abcdef0123456789", _WAF
    ),
    Change("tracing", "false", "true", _DEVELOPMENT),
    Change("trace_group", "false", "true", {**_DEVELOPMENT, "tracing": "true"}),
    Change("gradual_deploy", "none", "Canary10Percent5Minutes", _DEVELOPMENT),
    Change("gradual_deploy", "Canary10Percent5Minutes", "Linear10PercentEvery2Minutes", _DEVELOPMENT),
    Change("alarms", "true", "false", _DEVELOPMENT),
    Change("encryption", "aws", "customer", _DEVELOPMENT),
    Change("point_in_time_recovery", "true", "false", _DEVELOPMENT),
    Change("deletion_protection", "true", "false", _COGNITO),
    Change("protect", "true", "false", {**_COGNITO, "encryption": "customer"}),
    Change("architecture", "arm64", "x86_64", _DEVELOPMENT),
    Change("package_bytecode", "true", "false", _DEVELOPMENT),
    Change("package_bytecode_release", "3.13.1", "3.13.2", _DEVELOPMENT),
    Change("package_for_this_machine", "false", "true", _LOCAL),
    Change("api_warm_start", "none", "snap_start", _DEVELOPMENT),
    Change("api_warm_start", "none", "provisioned", _DEVELOPMENT),
    Change("api_provisioned_concurrency", "3", "5", _READY),
    Change("short_retry_horizon", "false", "true", _DEVELOPMENT),
    Change("events_target", "topic", "bus", _DEVELOPMENT),
    Change("strict_ordering", "false", "true", _FIFO),
    Change("subscriptions", _OWN, _list("{name: new, protocol: sqs}"), _DEVELOPMENT, part="name"),
    Change(
        "subscriptions",
        _OWN,
        _list("{name: own, protocol: email, endpoint: a@example.com}"),
        _DEVELOPMENT,
        part="protocol",
    ),
    Change("subscriptions", _OWN, _FILTERED, _DEVELOPMENT, part="filter_policy"),
    Change("subscriptions", _OWN, _RAW, _DEVELOPMENT, part="raw_message_delivery"),
    Change("subscriptions", _OWN, _ELSEWHERE, _DEVELOPMENT, part="endpoint"),
    Change("subscriptions", _OWN, _ROUTED, _BUS, part="event_pattern"),
)


def changes(options: Iterable[str]) -> list[Change]:
    """Return the changes of each option, in the order of `options`. Raises `LookupError` if an option has no change."""
    made = [
        *(Change(option, *values, PLAIN) for option, values in _PLAIN.items()),
        *(
            Change("alarm_thresholds", PLAIN["alarm_thresholds"], _thresholds(second=True), PLAIN, part=name)
            for name in AlarmThresholds.model_fields
        ),
        *_OTHERS,
    ]
    missing = sorted(set(options) - {each.option for each in made})
    if missing:
        message = f"no values for {', '.join(missing)}: give each 2 values in lab/docs/option_changes.py"
        raise LookupError(message)
    return [each for option in options for each in made if each.option == option]
