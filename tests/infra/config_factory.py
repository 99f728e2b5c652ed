"""Helpers that parse a valid configuration with overrides. All values are strings, as Pulumi passes them."""

import pytest

from pipeline.config import ConfigError, Problem, StackConfig, parse_config

VALID = {"environment": "development"}


def parsed(**overrides: str) -> StackConfig:
    """Return the parsed configuration."""
    return parse_config({**VALID, **overrides}, project="orders", stack="test")


def refused(**overrides: str) -> ConfigError:
    """Return the error that the overrides cause."""
    with pytest.raises(ConfigError) as caught:
        parsed(**overrides)
    return caught.value


def only_problem(**overrides: str) -> Problem:
    """Return the only problem that the overrides cause."""
    error = refused(**overrides)
    assert len(error.problems) == 1, str(error)
    return error.problems[0]
