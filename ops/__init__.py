"""Command line for people on call: see what waits, what failed and why, and take each order to its end."""
