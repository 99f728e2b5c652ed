"""Prints the commands that replaced `python -m tools.NAME` in 2026-11."""

import sys

sys.exit(
    "python -m tools.… was removed. Use instead:\n"
    "  gradual_deploy: python -m ops deploy shift\n"
    "  prune_versions: python -m ops deploy prune\n"
    "  a generator of docs: python -m lab.docs.…\n"
    "  another tool: look in the folders lab and local"
)
