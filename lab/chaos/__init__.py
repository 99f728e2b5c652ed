"""Blind clients, broken connections, failing dependencies and killed workers at once; then all is counted."""
