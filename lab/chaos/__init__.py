"""Retrying clients, broken connections, failing dependencies and killed workers, and then a count of the guarantees."""
