"""The configuration of a stack: typed, and checked completely before anything is deployed."""

from pipeline.config.loader import load_config, parse_config
from pipeline.config.problems import ConfigError, Problem
from pipeline.config.stack_config import StackConfig

__all__ = ["ConfigError", "Problem", "StackConfig", "load_config", "parse_config"]
