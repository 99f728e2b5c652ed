"""Simulation of the functions on an in-memory AWS with a simulated clock: crash points, histories, outages, alarms."""
