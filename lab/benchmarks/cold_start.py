"""Measures the init of each function, and of the code to compare it with (see `alternatives`).

Each runs in a fresh process with prod's settings. A process can import only the standard library,
the package and this folder. The package is built for the Python that runs the benchmark. A
function's figure is the processor time from the first import to the last line of the handler's
module, without the start of the interpreter.
"""

from __future__ import annotations

import subprocess
import sys
import zipfile
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Final

from lab.benchmarks.measure import Measure
from lab.recording.stacks import environment_of
from pipeline.functions import FUNCTIONS
from pipeline.package import LocalTarget, Package, PackageSpec, build_package

ROOT: Final = Path(__file__).resolve().parents[2]
WITHOUT_BYTECODE: Final = "create_order, without byte code"
# Our functions are compared with a client without an SDK (floor), a botocore client (bare), and short versions of two
# functions (`peers`).
FLOOR, BARE, PEERS = "floor", "bare", ("create_order", "process_order")
_FLOOR: Final = "import hand_signed; hand_signed.Client('dynamodb')"
_BARE: Final = "import botocore.session; botocore.session.get_session().create_client('dynamodb')"
_INIT: Final = """
import sys, time
started = time.process_time()
sys.path[:0] = sys.argv[1], sys.argv[3]
exec(sys.argv[2])
print(time.process_time() - started)
"""
_LAMBDA: Final = {
    "AWS_LAMBDA_FUNCTION_NAME": "function",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
    "AWS_REGION": "eu-west-1",
    "AWS_DEFAULT_REGION": "eu-west-1",
    "AWS_ACCESS_KEY_ID": "key",
    "AWS_SECRET_ACCESS_KEY": "secret",
    "_X_AMZN_TRACE_ID": "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1",
}


def environment(function: str) -> dict[str, str]:
    """Return the environment variables of a function in prod, with those that Lambda sets."""
    return {**_LAMBDA, **environment_of("prod", function)}


def unpacked(where: Path, *, bytecode: bool) -> tuple[Package, Path]:
    """Build the package and unpack it under `where`. Return the package, and the folder of the unpacked files."""
    package = build_package(PackageSpec(root=ROOT, target=LocalTarget(), bytecode=bytecode))
    folder = where / ("with" if bytecode else "without")
    with zipfile.ZipFile(package.path) as archive:
        archive.extractall(folder)
    return package, folder


def isolated(variables: Mapping[str, str], *arguments: str | Path, given: str = "") -> str:
    """Run a fresh interpreter without site packages, and return its output.

    Raises:
        subprocess.CalledProcessError: the interpreter failed.
    """
    # -I -S: no other package. -B: Python writes no byte code. On Lambda it cannot write any either,
    # because the folder is read-only.
    command = [sys.executable, "-I", "-S", "-B", *arguments]
    return subprocess.run(
        command, env=dict(variables), check=True, stdout=subprocess.PIPE, text=True, input=given
    ).stdout


def init_seconds(folder: Path, function: str, code: str) -> float:
    """Return the seconds of processor time that `code` takes in a fresh process."""
    return float(isolated(environment(function), "-c", _INIT, folder, code, Path(__file__).parent))


def alternatives(with_bytecode: Path, without: Path) -> dict[str, Measure]:
    """Return what to measure: the floor, the bare client, our functions (one also without byte code), the peers."""
    first = FUNCTIONS[0].name
    found: dict[str, Measure] = {FLOOR: partial(init_seconds, with_bytecode, first, _FLOOR)}
    found[BARE] = partial(init_seconds, with_bytecode, first, _BARE)
    for each in FUNCTIONS:
        code = f"import runtime.handlers.{each.key}"
        found[each.key] = partial(init_seconds, with_bytecode, each.name, code)
    found[WITHOUT_BYTECODE] = partial(init_seconds, without, "create-order", "import runtime.handlers.create_order")
    for key in PEERS:
        found[f"peer {key}"] = partial(init_seconds, with_bytecode, key.replace("_", "-"), f"import peers.{key}")
    return found
