"""Generators of the docs that follow from the code."""
