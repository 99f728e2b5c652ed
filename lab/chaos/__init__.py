"""Checks the guarantees after retrying clients, broken connections, failing dependencies and killed workers."""
