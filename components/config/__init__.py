"""The configuration of a stack: typed, with every problem reported before anything is deployed."""

from components.config.loader import load_config, parse_config
from components.config.problems import ConfigError, Problem
from components.config.stack_config import StackConfig

__all__ = ["ConfigError", "Problem", "StackConfig", "load_config", "parse_config"]
