"""Checks the guarantees after a run with retrying clients, broken connections, failing calls and killed workers."""
