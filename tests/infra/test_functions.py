"""The table of functions holds all of them: what is beside it, written once per function, knows the same ones."""

from pathlib import Path
from typing import Any

from lab.docs import openapi
from lab.permissions.calls import called
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
