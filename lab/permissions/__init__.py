"""Permissions of each role, held against what the code calls: `python -m lab.permissions`."""
