"""Tests the resources that the Pulumi program registers: which inputs contain an option's value,
what another Region changes, and whether every component registers outputs. For this, the tests record
what the program registers. Also tests how differences between two recordings are named."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict

import pytest

from lab.docs import option_effects
from lab.docs.option_changes import PLAIN, changes
from lab.recording.differences import Difference, differences, short_type, text_of
from lab.recording.recording import Recorded, Recording, record_config
from pipeline.callers import READ, WRITE
from pipeline.config import StackConfig
from pipeline.functions import API_FUNCTIONS, FUNCTIONS, PROCESS_ORDER, FunctionSpec

# Dashboards and alarms contain other numbers that can equal an option's value; tests/cloudwatch checks them.
NOT_CHECKED = {"alarms", "dashboard"}
HERE, ELSEWHERE = "eu-west-1", "ap-southeast-4"
WIDE = {
    "everything at once": PLAIN,
    "callers, traces, gradual": {
        "environment": "development",
        "authorizer": "cognito",
        "token_clients": '["shop"]',
        "tracing": "true",
        "trace_group": "true",
        "gradual_deploy": "Canary10Percent5Minutes",
        "encryption": "customer",
    },
    "edge": {
        "environment": "development",
        "waf": "true",
        "origin_secret": "0123456789abcdef0123456789abcdef",
        "domain_name": "orders.example.com",
        "domain_zone_id": "Z123",
    },
    "external": {
        "environment": "development",
        "authorizer": "external",
        "jwt_issuer": "https://issuer.example.com/",
        "jwt_audiences": '["audience"]',
        "jwt_write_scope": "may-write",
        "jwt_read_scope": "may-read",
    },
    "local": {"environment": "local", "local_endpoint": "http://127.0.0.1:4001", "queue_visibility_seconds": "1201"},
    "own name": {"environment": "development", "domain_name": "orders.example.com", "domain_zone_id": "Z123"},
    "bus": {
        "environment": "development",
        "events_target": "bus",
        "encryption": "customer",
        "subscriptions": '["{name: own, protocol: sqs}"]',
    },
}


def _each(functions: Sequence[FunctionSpec], ending: str) -> str:
    return " ".join(sorted(f"{each.name}-{ending}" for each in functions))


def _routes(access: str) -> str:
    routes = (f"api {each.method} {each.path}" for each in API_FUNCTIONS if each.access == access)
    return " ".join(sorted(re.sub(r"[\W_]+", "-", route.lower()).strip("-") for route in routes))


_ALL, _API, _WORKER = (_each(them, "function") for them in (FUNCTIONS, API_FUNCTIONS, (PROCESS_ORDER,)))
# For each configuration and option: every input that is equal to the option's value, and the resources with this input.
INPUTS_OF = {
    "everything at once": {
        "cors_origins": "Api corsConfiguration.allowOrigins[]: api",
        "api_idempotency_ttl_seconds": "Function IDEMPOTENCY_TTL_SECONDS: create-order-function",
        "throttle_rate": "Stage defaultRouteSettings.throttlingRateLimit: api-stage",
        "throttle_burst": "Stage defaultRouteSettings.throttlingBurstLimit: api-stage",
        "log_level": f"Function POWERTOOLS_LOG_LEVEL: {_ALL}",
        "log_retention_days": f"LogGroup retentionInDays: api-access-logs {_each(FUNCTIONS, 'logs')}",
        "permissions_boundary_arn": f"Role permissionsBoundary: {_each(FUNCTIONS, 'role')}",
        "api_memory_mb": f"Function memorySize: {_API}",
        "worker_memory_mb": f"Function memorySize: {_WORKER}",
        "api_timeout_seconds": f"Function timeout: {_API}",
        "worker_timeout_seconds": f"Function timeout: {_WORKER}",
        "api_reserved_concurrency": f"Function reservedConcurrentExecutions: {_API}",
        "worker_reserved_concurrency": f"Function reservedConcurrentExecutions: {_WORKER}",
        "queue_visibility_seconds": "Queue visibilityTimeoutSeconds: orders-queue",
        "queue_retention_seconds": "Queue messageRetentionSeconds: orders-queue",
        "dlq_retention_seconds": "Queue messageRetentionSeconds: orders-queue-dlq",
        "max_receive_count": f"Function MAX_RECEIVE_COUNT: {_WORKER}; "
        "Queue redrivePolicy.maxReceiveCount: orders-queue",
        "batch_size": "EventSourceMapping batchSize: orders-consumer-mapping",
        "batch_window_seconds": "EventSourceMapping maximumBatchingWindowInSeconds: orders-consumer-mapping",
        "batch_threads": f"Function BATCH_THREADS: {_WORKER}",
        "item_budget_seconds": f"Function ITEM_BUDGET_SECONDS: {_WORKER}",
        "time_margin_seconds": f"Function TIME_MARGIN_SECONDS: {_WORKER}",
        "worker_max_concurrency": "EventSourceMapping scalingConfig.maximumConcurrency: orders-consumer-mapping",
        "retry_base_seconds": f"Function RETRY_BASE_SECONDS: {_WORKER}",
        "retry_cap_seconds": f"Function RETRY_CAP_SECONDS: {_WORKER}",
        "worker_idempotency_ttl_seconds": f"Function IDEMPOTENCY_TTL_SECONDS: {_WORKER}",
    },
    "external": {
        "jwt_issuer": "Authorizer jwtConfiguration.issuer: api-authorizer",
        "jwt_audiences": "Authorizer jwtConfiguration.audiences[]: api-authorizer",
        "jwt_write_scope": f"Route authorizationScopes[]: {_routes(WRITE)}",
        "jwt_read_scope": f"Route authorizationScopes[]: {_routes(READ)}",
    },
    "local": {"local_endpoint": f"Function AWS_ENDPOINT_URL: {_ALL}"},
    "edge": {"origin_secret": "Distribution origins[].customHeaders[].value: edge-distribution"},
}


@pytest.mark.parametrize("configuration", INPUTS_OF)
def test_an_options_value_appears_only_in_the_inputs_listed_for_the_option(configuration: str) -> None:
    # GIVEN
    keys, recording = WIDE[configuration], option_effects.recorded(WIDE[configuration])

    # WHEN
    found: dict[str, dict[str, list[str]]] = {option: {} for option in INPUTS_OF[configuration]}
    for each in recording.resources:
        for path, text in leaves(each.inputs) if each.custom and each.name.partition("-")[0] not in NOT_CHECKED else ():
            for option in found:
                if text == keys[option].strip('["]'):
                    where = f"{short_type(each)} {path.removeprefix('environment.variables.')}"
                    found[option].setdefault(where, []).append(each.name)

    # THEN
    assert {
        option: "; ".join(f"{where}: {' '.join(sorted(names))}" for where, names in sorted(places.items()))
        for option, places in found.items()
    } == INPUTS_OF[configuration]


def leaves(value: object, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield the path and text of each value. JSON in texts is parsed."""
    if isinstance(value, str) and value[:1] in {"{", "["}:
        value = json.loads(value)
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for inner in value:
            yield from leaves(inner, f"{path}[]")
    else:
        yield path, text_of(value)


@pytest.mark.parametrize("configuration", WIDE)
def test_only_the_region_differs_in_another_region(configuration: str) -> None:
    # GIVEN
    here = option_effects.recorded(WIDE[configuration])
    keys = {key: value.replace(HERE, ELSEWHERE) for key, value in WIDE[configuration].items()}

    # WHEN
    elsewhere = record_config(keys, region=ELSEWHERE)

    # THEN
    assert HERE in wire(here)
    assert wire(elsewhere) == wire(here).replace(HERE, ELSEWHERE)


@pytest.mark.parametrize("configuration", WIDE)
def test_every_component_registers_outputs(configuration: str) -> None:
    # GIVEN
    recording = option_effects.recorded(WIDE[configuration])

    # WHEN
    without = [each.urn for each in recording.resources if not each.custom and each.urn not in recording.of_components]

    # THEN
    assert without == []


def wire(recording: Recording) -> str:
    """Return inputs and outputs as text. A domain name's hash is replaced, because the hash depends on the Region."""
    text = json.dumps([*((each.urn, dict(each.inputs)) for each in recording.resources), recording.outputs], indent=1)
    return re.sub("tokens-[0-9a-f]{20}", "tokens-HASH", text)


def test_an_option_without_two_values_is_reported() -> None:
    # GIVEN / WHEN / THEN
    with pytest.raises(LookupError, match=r"no values for brand_new: give each 2 values in lab/docs/option_changes.py"):
        changes([*StackConfig.model_fields, "brand_new"])


def queue(inputs: dict[str, object], protect: bool = False) -> Recording:
    urn = "urn:pulumi:test::orders::aws:sqs/queue:Queue::q"
    made = Recorded("aws:sqs/queue:Queue", "q", urn, "", True, inputs, protect, (), ())
    return Recording(resources=[made])


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        ({"delay": 1}, {"delay": 2.0}, ("delay", "1", "2")),
        ({"policy": '{"A": {"B": 1}}'}, {"policy": '{"A": {"B": 2}}'}, ("policy.A.B", "1", "2")),
        ({"list": ["x", "y"]}, {"list": ["y", "z"]}, ("list[]", "x", "z")),
        (
            {"list": ["x", "y"]},
            {"list": ["y", "x"]},
            ("list[]", "the items", "the same values in another sequence, or repeated more or less often"),
        ),
        ({"list": [{"a": 1}]}, {"list": [{"a": 1}, {"a": 2}]}, ("list[]", "—", "1 item")),
        ({"list": [{"a": 1}]}, {"list": [{"a": 3}]}, ("list[].a", "1", "3")),
        ({"text": "{no json"}, {"text": "{nor this"}, ("text", "{no json", "{nor this")),
        ({"delay": 1}, {}, ("delay", "1", "—")),
    ],
)
def test_a_difference_is_named_by_its_path(
    before: dict[str, object], after: dict[str, object], found: tuple[str, str, str]
) -> None:
    # GIVEN / WHEN
    seen = differences(queue(before), queue(after))

    # THEN
    path, was, now = found
    assert [asdict(each) for each in seen] == [asdict(Difference("Queue", "q", path, was, now))]


def test_missing_resources_and_changed_protection_are_differences() -> None:
    # GIVEN / WHEN
    gone, protected = differences(queue({}), Recording()), differences(queue({}), queue({}, protect=True))

    # THEN
    assert gone == [Difference("Queue", "q", "", "there", "—")]
    assert protected == [Difference("Queue", "q", "(protect)", "false", "true")]
