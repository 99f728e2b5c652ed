"""Configurations as Pulumi hands them over, valid but for the overrides."""

import pytest

from pipeline.config import ConfigError, Problem, StackConfig, parse_config

VALID = {"environment": "development"}


def parsed(**overrides: str) -> StackConfig:
    """The configuration with these keys on top of a valid one."""
    return parse_config({**VALID, **overrides}, project="orders", stack="test")


def refused(**overrides: str) -> ConfigError:
    """The error that these keys on top of a valid configuration lead to."""
    with pytest.raises(ConfigError) as caught:
        parsed(**overrides)
    return caught.value


def only_problem(**overrides: str) -> Problem:
    """The one problem with these keys."""
    error = refused(**overrides)
    assert len(error.problems) == 1, str(error)
    return error.problems[0]
