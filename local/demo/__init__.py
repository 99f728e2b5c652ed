"""`demo`: the whole pipeline, told step by step on an instance of its own."""

from local.demo.command import register

__all__ = ["register"]
