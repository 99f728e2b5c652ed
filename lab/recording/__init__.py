"""Recordings of what the program registers, without an engine."""
