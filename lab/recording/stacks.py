"""Recordings of the committed stacks, made once per test process. Callers must not change them."""

from collections.abc import Mapping
from functools import cache

from lab.recording.recording import Recorded, Recording, record_stack

FUNCTION = "aws:lambda/function:Function"


@cache
def recorded(stack: str) -> Recording:
    """Return the recording of the program with `Pulumi.{stack}.yaml`."""
    return record_stack(stack)


def recorded_with(stack: str, overrides: Mapping[str, str]) -> Recording:
    """Return the recording with `Pulumi.{stack}.yaml`, in which `overrides` replace or add options."""
    return _recorded_with(stack, tuple(sorted(overrides.items())))


@cache
def _recorded_with(stack: str, overrides: tuple[tuple[str, str], ...]) -> Recording:
    return record_stack(stack, dict(overrides))


def by_urn(recording: Recording) -> dict[str, Recorded]:
    """Return the resources by URN."""
    return {each.urn: each for each in recording.resources}


def custom(recording: Recording) -> list[Recorded]:
    """Return all resources except components."""
    return [each for each in recording.resources if each.custom]


def environment_of(stack: str, function: str) -> dict[str, str]:
    """Return the environment variables of one function."""
    variables: dict[str, str] = recorded(stack).one(FUNCTION, f"{function}-function").inputs["environment"]["variables"]
    return variables
