"""Tests properties that every resource of every stack must have."""

import inspect
import keyword
import os
import subprocess
import sys
from collections import Counter
from importlib import import_module
from pathlib import PurePosixPath

import pytest

from lab.recording.recording import PROJECT, ROOT, STACK_TYPE, STACKS, Recorded, record_stack
from lab.recording.stacks import by_urn, custom, recorded
from pipeline.functions import FUNCTIONS

# Names with a fixed meaning in AWS or in this program. They need no prefix: an alias belongs to a function, and a stage
# to an API. The names of functions and APIs have the prefix.
NAMES_WITHOUT_PREFIX = {"aws:lambda/alias:Alias": "live", "aws:apigatewayv2/stage:Stage": "$default"}


def has_tags_argument(resource: Recorded) -> bool:
    """Return whether the provider's type has a `tags` argument."""
    package, module, name = resource.type.split(":")
    service = module.split("/")[0]
    found = getattr(
        import_module(f"pulumi_{package}.{service}{'_' if keyword.iskeyword(service) else ''}"), f"{name}Args"
    )
    return "tags" in inspect.signature(found).parameters


@pytest.mark.parametrize("stack", STACKS)
class TestEveryStack:
    def test_urns_are_unique(self, stack: str) -> None:
        # GIVEN
        recording = recorded(stack)

        # WHEN
        doubled = [urn for urn, count in Counter(each.urn for each in recording.resources).items() if count > 1]

        # THEN
        assert recording.resources
        assert doubled == []

    def test_all_resources_except_top_level_components_are_named_after_their_parent(self, stack: str) -> None:
        # GIVEN
        resources = by_urn(recorded(stack))

        # WHEN
        strays = [
            each.urn
            for each in resources.values()
            if each.custom or STACK_TYPE not in each.parent
            if not (parent := resources.get(each.parent))
            or not (each.name == parent.name or each.name.startswith(f"{parent.name}-"))
        ]

        # THEN
        assert strays == []

    def test_all_resources_that_can_have_tags_have_the_same_tags(self, stack: str) -> None:
        # GIVEN
        taggable = [each for each in custom(recorded(stack)) if has_tags_argument(each)]

        # WHEN
        tags = [each.inputs.get("tags", {}) for each in taggable]

        # THEN
        assert len(taggable) > 10
        assert all(each == tags[0] for each in tags)
        assert {"Project": PROJECT, "Stack": stack, "ManagedBy": "pulumi"}.items() <= tags[0].items()
        assert {"Environment", "Owner"} <= set(tags[0])

    @pytest.mark.long
    def test_a_second_run_registers_the_same_resources(self, stack: str) -> None:
        # GIVEN
        first = recorded(stack)

        # WHEN
        second = record_stack(stack)

        # THEN
        assert second == first

    def test_physical_names_start_with_project_and_stack(self, stack: str) -> None:
        # GIVEN
        named = [each for each in custom(recorded(stack)) if "name" in each.inputs]

        # WHEN
        foreign = [
            each.name
            for each in named
            if NAMES_WITHOUT_PREFIX.get(each.type) != each.inputs["name"]
            and not each.inputs["name"].rpartition("/")[2].startswith(f"{PROJECT}-{stack}-")
        ]

        # THEN
        assert foreign == []

    def test_physical_names_of_one_type_are_unique(self, stack: str) -> None:
        # GIVEN
        named = [
            each for each in custom(recorded(stack)) if "name" in each.inputs and each.type not in NAMES_WITHOUT_PREFIX
        ]

        # WHEN
        counts = Counter((each.type, each.inputs["name"]) for each in named)

        # THEN
        assert [key for key, count in counts.items() if count > 1] == []

    def test_no_environment_variable_is_empty(self, stack: str) -> None:
        # GIVEN
        functions = recorded(stack).of_type("aws:lambda/function:Function")

        # WHEN
        environments = [each.inputs["environment"]["variables"] for each in functions]

        # THEN
        assert len(environments) == len(FUNCTIONS)
        assert all(all(variables.values()) for variables in environments)

    def test_the_path_of_the_archive_is_relative(self, stack: str) -> None:
        # GIVEN
        functions = recorded(stack).of_type("aws:lambda/function:Function")

        # WHEN
        paths = {each.inputs["code"] for each in functions}

        # THEN
        assert len(paths) == 1
        assert not PurePosixPath(paths.pop()).is_absolute()

    def test_no_input_contains_a_path_of_this_machine(self, stack: str) -> None:
        # GIVEN
        recording = recorded(stack)

        # WHEN
        leaks = [each.urn for each in recording.resources if str(ROOT) in repr(each.inputs)]

        # THEN
        assert leaks == []


@pytest.mark.long
def test_another_process_with_another_hash_seed_and_time_zone_registers_the_same_resources() -> None:
    # GIVEN
    script = (
        "import sys; from pprint import pformat; from lab.recording.recording import record_stack; "
        # sort_dicts=False: the order of dictionaries must be the same too. Sets have no order, so pformat sorts them.
        "sys.stdout.write(pformat(record_stack('local'), sort_dicts=False))"
    )

    # WHEN
    outputs = [
        subprocess.run(
            [sys.executable, "-W", "ignore", "-c", script],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": seed, "TZ": zone, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            check=True,
            text=True,
            timeout=60,
        ).stdout
        for seed, zone in (("1", "UTC"), ("2", "Pacific/Auckland"))
    ]

    # THEN
    assert "orders-local-process-order" in outputs[0]
    assert outputs[0] == outputs[1]
