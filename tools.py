"""Prints the commands that replaced `python -m tools.NAME` in 2026-11."""

import sys

sys.exit(
    "python -m tools.… was removed: gradual_deploy is now `python -m ops deploy shift`, prune_versions is "
    "`python -m ops deploy prune`, generators of docs are `python -m lab.docs.…`, other tools are in `lab` and `local`."
)
