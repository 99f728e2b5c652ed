"""Compiles a tree with one given interpreter, so that the same sources give the same `.pyc` files anywhere."""

import os
import subprocess
from pathlib import Path

from pipeline.package.interpreter import Interpreter
from pipeline.package.spec import SPACE, BuildError

#: Where Lambda unpacks the package: the folder that tracebacks name.
TASK_ROOT = "/var/task"
_NO_SPACE = "No space left on device"


def compile_tree(tree: Path, interpreter: Interpreter, *, sources: bool) -> None:
    """Compile the modules of ``tree``. Raises BuildError naming the files that do not compile.

    With ``sources`` they stay, with `__pycache__` beside them; without, a `.pyc` takes each one's place, which Python
    imports just the same ("sourceless", PEP 3147). A traceback then names file, line and function without the text.

    `unchecked-hash`: the zip resets file times, so byte code keyed on them would be thrown away at every cold start.
    `-s`/`-p`: the build folder's name must not get into the files. `-o 0`: the level that Lambda runs at. `-I`: no
    `PYTHON…` variable of this machine changes the outcome.
    """
    command: list[str | Path] = [interpreter.path, "-I", "-m", "compileall", "-q", "-f", "-o", "0"]
    command += ["-j", str(os.cpu_count() or 1), "--invalidation-mode", "unchecked-hash"]
    command += ["-s", tree, "-p", TASK_ROOT, *([] if sources else ["-b"]), tree]
    result = subprocess.run(  # noqa: S603 - the interpreter was found and asked by us
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    if result.returncode == 0:
        for source in [] if sources else list(tree.rglob("*.py")):
            source.unlink()
        return
    output = result.stdout.replace(f"{tree}{os.sep}", "").strip()
    if _NO_SPACE in output:
        raise BuildError(f"no space left on the disk of {tree} (compiling): {SPACE}.")
    raise BuildError(f"Python {interpreter.release} does not compile what is to be packaged:\n{output[-2000:]}")
