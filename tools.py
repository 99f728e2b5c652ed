"""Says where the commands went that were `python -m tools.NAME` until 2026-11."""

import sys

sys.exit(
    "python -m tools.… is no more: gradual_deploy is `python -m ops deploy shift`, prune_versions is "
    "`python -m ops deploy prune`, generators of docs are `python -m lab.docs.…`, the rest is below `lab` and `local`."
)
