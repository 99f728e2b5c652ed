"""CloudWatch's evaluation of alarms, dashboards and metric math, in memory."""
