"""The functions on an in-memory AWS with a clock of its own: crash points, random histories, outages, alarms."""
