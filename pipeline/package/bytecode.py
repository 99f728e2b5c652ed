"""Compiles a tree with a given interpreter, so that the same sources give the same `.pyc` files everywhere."""

import os
import subprocess
from pathlib import Path

from pipeline.package.interpreter import Interpreter
from pipeline.package.spec import SPACE, BuildError

#: Lambda unpacks the package into this folder, and tracebacks name it.
TASK_ROOT = "/var/task"
_NO_SPACE = "No space left on device"


def compile_tree(tree: Path, interpreter: Interpreter, *, sources: bool) -> None:
    """Compile the modules of ``tree``. Raises BuildError if files do not compile or the disk is full.

    With ``sources``, the sources stay, and the byte code is in `__pycache__`. Without ``sources``, a `.pyc` replaces
    each source. Python imports such a file too ("sourceless", PEP 3147), but tracebacks then lack the source lines.

    The zip resets file times. With `unchecked-hash`, Python does not check file times. By default, it would check them
    and discard the byte code at every cold start. `-s`/`-p` keep the build folder's name out of the files. `-o 0` is
    the level that Lambda uses. With `-I`, no `PYTHON…` variable of this machine changes the result.
    """
    command: list[str | Path] = [interpreter.path, "-I", "-m", "compileall", "-q", "-f", "-o", "0"]
    command += ["-j", str(os.cpu_count() or 1), "--invalidation-mode", "unchecked-hash"]
    command += ["-s", tree, "-p", TASK_ROOT, *([] if sources else ["-b"]), tree]
    result = subprocess.run(  # noqa: S603 - an interpreter that we found and checked
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    if result.returncode == 0:
        for source in [] if sources else list(tree.rglob("*.py")):
            source.unlink()
        return
    output = result.stdout.replace(f"{tree}{os.sep}", "").strip()
    if _NO_SPACE in output:
        raise BuildError(f"no space left on the disk of {tree} (compiling): {SPACE}.")
    raise BuildError(f"Python {interpreter.release} cannot compile the package:\n{output[-2000:]}")
