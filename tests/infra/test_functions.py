"""The table of functions holds all of them: what is beside it, written once per function, knows the same ones."""

from pathlib import Path
from typing import Any

from lab.docs import openapi
from lab.permissions.calls import called
from lab.recording.stacks import FUNCTION, recorded_with
from pipeline.functions import API_FUNCTIONS, FUNCTIONS

ROOT = Path(__file__).resolve().parents[2]


def test_every_handler_is_declared_as_a_function_and_every_function_has_its_handler() -> None:
    # GIVEN / WHEN
    handlers = {path.stem for path in (ROOT / "runtime" / "handlers").glob("[!_]*.py")}

    # THEN
    assert {each.key for each in FUNCTIONS} == handlers


def test_names_keys_and_routes_are_each_one_function_s() -> None:
    # GIVEN / WHEN
    names = [each.name for each in FUNCTIONS]
    alarms = [each.alarm_name for each in FUNCTIONS]
    routes = [(each.method, each.path) for each in API_FUNCTIONS]

    # THEN
    assert len(set(names)) == len(set(alarms)) == len(names)
    assert len(set(routes)) == len(routes)


def test_every_route_is_described_to_clients_and_no_other() -> None:
    # GIVEN
    paths: dict[str, dict[str, Any]] = openapi.build()["paths"]

    # WHEN
    described = {(method.upper(), path) for path, methods in paths.items() for method in methods}

    # THEN
    assert {(each.method, each.path) for each in API_FUNCTIONS} == described


def test_every_function_is_simulated_so_that_its_grants_are_held_against_its_calls() -> None:
    # GIVEN / WHEN
    simulated = {each.function for each in called()}

    # THEN
    assert simulated == {each.name for each in FUNCTIONS}


def test_settings_that_could_be_taken_for_each_other_reach_each_its_own() -> None:
    # GIVEN values that no default and no other setting has
    given = {
        "api_idempotency_ttl_seconds": 90_000,
        "worker_idempotency_ttl_seconds": 1_700_000,
        "throttle_rate": 41,
        "throttle_burst": 83,
        "batch_window_seconds": 3,
        "api_memory_mb": 333,
        "worker_memory_mb": 777,
        "api_reserved_concurrency": 11,
        "worker_reserved_concurrency": 13,
    }

    # WHEN
    keys = {f"orders:{name}": str(value) for name, value in given.items()}
    made = recorded_with("dev", {**keys, "orders:queue_visibility_seconds": "400"})

    # THEN
    functions = {each.name: each.inputs for each in made.of_type(FUNCTION)}
    api, worker = functions["create-order-function"], functions["process-order-function"]
    (mapping,) = made.of_type("aws:lambda/eventSourceMapping:EventSourceMapping")
    (stage,) = made.of_type("aws:apigatewayv2/stage:Stage")
    settings = stage.inputs["defaultRouteSettings"]
    found = [
        *(int(each["environment"]["variables"]["IDEMPOTENCY_TTL_SECONDS"]) for each in (api, worker)),
        settings["throttlingRateLimit"],
        settings["throttlingBurstLimit"],
        mapping.inputs["maximumBatchingWindowInSeconds"],
        *(each["memorySize"] for each in (api, worker)),
        *(each["reservedConcurrentExecutions"] for each in (api, worker)),
    ]
    assert found == list(given.values())
