"""Decisions of the tools; no AWS calls."""
