"""Simulations: crash points and random histories of the functions on an in-memory AWS; outages; CloudWatch's alarms."""
