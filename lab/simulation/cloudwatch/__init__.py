"""CloudWatch's evaluation of alarms and metric math, in memory."""
