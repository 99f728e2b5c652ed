"""Tests of alarms: CloudWatch's evaluation, the metrics that AWS publishes, and that each alarm fires and recovers."""
