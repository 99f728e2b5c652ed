"""Compares the permissions of each role with the calls of the code: `python -m lab.permissions`."""
