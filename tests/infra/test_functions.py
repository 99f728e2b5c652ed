"""Tests that handlers, routes, API description and simulation agree with the table of functions."""

from pathlib import Path
from typing import Any

from lab.docs import openapi
from lab.permissions.calls import needed_permissions
from pipeline.functions import API_FUNCTIONS, FUNCTIONS

ROOT = Path(__file__).resolve().parents[2]


def test_every_handler_is_declared_as_a_function_and_every_function_has_its_handler() -> None:
    # GIVEN / WHEN
    handlers = {path.stem for path in (ROOT / "runtime" / "handlers").glob("[!_]*.py")}

    # THEN
    assert {each.key for each in FUNCTIONS} == handlers


def test_names_and_routes_of_functions_are_unique() -> None:
    # GIVEN / WHEN
    names = [each.name for each in FUNCTIONS]
    routes = [(each.method, each.path) for each in API_FUNCTIONS]

    # THEN
    assert len(set(names)) == len(names)
    assert len(set(routes)) == len(routes)


def test_the_api_description_has_every_route_and_no_other() -> None:
    # GIVEN
    paths: dict[str, dict[str, Any]] = openapi.build()["paths"]

    # WHEN
    described = {(method.upper(), path) for path, methods in paths.items() for method in methods}

    # THEN
    assert {(each.method, each.path) for each in API_FUNCTIONS} == described


def test_the_simulation_that_finds_needed_permissions_includes_every_function() -> None:
    # GIVEN / WHEN
    simulated = {each.function for each in needed_permissions()}

    # THEN
    assert simulated == {each.name for each in FUNCTIONS}
