"""Alarms as one table in code: the types of its rows (`model`), and the resources (`topics`, `component`)."""
