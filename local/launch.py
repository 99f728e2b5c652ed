"""Starts the emulator with what it lacks. Run by the emulator's own interpreter instead of `-m ministack`.

Each addition rests on names inside MiniStack, whose version is locked; where one is missing the emulator ends at its
start and says which.
"""

import importlib
import runpy
import sys
from pathlib import Path

# By their paths: this folder is not on the emulator's, where it would hide modules of the same names.
_HERE = Path(__file__).parent


def main() -> None:
    """Start MiniStack."""
    runpy.run_path(str(_HERE / "weights.py"))["add_weights"](importlib.import_module("ministack.services.lambda_svc"))
    runpy.run_path(str(_HERE / "shared_code.py"))["share_code"](
        importlib.import_module("ministack.core.lambda_runtime")
    )
    sys.argv = ["ministack"]
    runpy.run_module("ministack", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
