"""What each role may do, held against what the code calls: `python -m lab.permissions`."""
