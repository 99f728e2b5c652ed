"""Tests of the alarms and the dashboard, with a model of CloudWatch's evaluation and of the metrics that exist."""
