"""Alarms as one table in code: the machinery (`model`, `topics`, `component`) and the rows (`rows`)."""
