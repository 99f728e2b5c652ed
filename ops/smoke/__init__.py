"""Smoke test of a deployed stack: one order, placed through the public API and followed to its end."""
