"""Tests of the alarms: how CloudWatch evaluates them, which metrics AWS publishes, and that each fires and recovers."""
