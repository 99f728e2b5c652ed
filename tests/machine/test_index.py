"""Tests `make setup` without a reachable package index."""

import os
import subprocess
import sys
from pathlib import Path

from local.instance import ROOT
from tests.local.factories import closed_port


def test_make_setup_reports_that_the_index_cannot_be_reached(tmp_path: Path) -> None:
    # GIVEN an index on a closed port
    index = f"http://127.0.0.1:{closed_port()}/simple"
    pip = {"PIP_INDEX_URL": index, "PIP_CONFIG_FILE": os.devnull, "PIP_RETRIES": "1", "PIP_FIND_LINKS": ""}
    environment = {**os.environ, **pip, "PIP_EXTRA_INDEX_URL": "", "PIP_NO_INDEX": ""}
    # WHEN the virtual environment is created
    command = ["make", "setup", f"VENV={tmp_path / 'venv'}", f"PYTHON={sys.executable}"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    # THEN the message says that the index cannot be reached. It does not say that a package is missing
    assert done.returncode != 0
    assert "The package index cannot be reached" in done.stderr
    assert "PIP_INDEX_URL" in done.stderr
    assert "No matching distribution" not in done.stderr
    assert not (tmp_path / "venv" / ".ready").exists()
