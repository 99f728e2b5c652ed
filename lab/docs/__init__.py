"""Generators of the docs that are derived from the code."""
