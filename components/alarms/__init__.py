"""Alarms as one table in code: what a row is (`model`), and what is made of it (`topics`, `component`)."""
