"""Retrying clients, broken connections, failing dependencies and killed workers at once; then the guarantees count."""
