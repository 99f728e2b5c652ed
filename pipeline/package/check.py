"""Imports the packaged handlers in isolation, with nothing but the unpacked package and the standard library."""

import json
import os
import platform
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from pipeline.package.interpreter import Interpreter, find_interpreter, probe
from pipeline.package.spec import BuildError, LocalTarget, Package, PackageSpec

#: Program for `python -I -S`. It can import only the standard library and the unpacked package.
_IMPORT = """
import importlib, json, sys, time
sys.path.insert(0, sys.argv[1])
sys.dont_write_bytecode = True
result = {}
for name in sys.argv[2:]:
    started = time.perf_counter()
    handler = getattr(importlib.import_module(name), "handler", None)
    if not callable(handler):
        sys.exit(f"{name} has no callable `handler`")
    result[name] = round((time.perf_counter() - started) * 1000)
strangers = sorted(
    name for name, module in sys.modules.items()
    if "-packages" in (getattr(module, "__file__", None) or "")
)
if strangers:
    sys.exit(f"imported from outside of the package: {', '.join(strangers)}")
print(json.dumps(result))
"""
_MACHINES = {"arm64": {"arm64", "aarch64"}, "x86_64": {"x86_64", "amd64"}}
IMPORT_TIMEOUT_SECONDS = 120


def check_handlers(spec: PackageSpec, package: Package, environment: Mapping[str, str]) -> dict[str, int]:
    """Import all modules of `{source}/handlers` whose names do not begin with `_`, in one process.

    The process has the variables `LAMBDA_TASK_ROOT` and those in ``environment``. Returns the milliseconds of each
    import, by module. Raises BuildError if a module cannot be imported in time or has no callable `handler`, if there
    are no modules, or if this machine cannot run the target's code.
    """
    interpreter = _runner(spec)
    with TemporaryDirectory(prefix="package-check-") as folder:
        with zipfile.ZipFile(package.path) as archive:
            archive.extractall(folder)
        handlers = _handlers(Path(folder), spec.source)
        command = [str(interpreter.path), "-I", "-S", "-c", _IMPORT, folder, *handlers]
        try:
            result = subprocess.run(  # noqa: S603 - an interpreter that we found, and our own program
                command,
                capture_output=True,
                text=True,
                env={**environment, "LAMBDA_TASK_ROOT": folder},
                cwd=folder,
                timeout=IMPORT_TIMEOUT_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise BuildError(f"importing the handlers took more than {IMPORT_TIMEOUT_SECONDS} s") from error
    if result.returncode != 0:
        raise BuildError(
            f"the package's handlers cannot be used in an isolated Python {interpreter.release}:\n{result.stderr}"
        )
    milliseconds: dict[str, int] = json.loads(result.stdout)
    return milliseconds


def _handlers(folder: Path, source: str) -> list[str]:
    paths = sorted((folder / source / "handlers").glob("*.py"))
    handlers = [f"{source}.handlers.{path.stem}" for path in paths if not path.stem.startswith("_")]
    if not handlers:
        raise BuildError(f"the package has no module in {source}/handlers, so there is nothing to run.")
    return handlers


def _runner(spec: PackageSpec) -> Interpreter:
    target = spec.target
    if isinstance(target, LocalTarget):
        own = probe(Path(sys.executable))
        if own is None:
            raise BuildError(
                f"{sys.executable} is a pre-release, a free-threaded build, or not CPython. Run the project with a "
                "final release of CPython."
            )
        return own
    if platform.system() != "Linux" or platform.machine().lower() not in _MACHINES[target.architecture]:
        here = f"{platform.system()} on {platform.machine()}"
        raise BuildError(
            f"this machine ({here}) cannot run a package for {target.label}. Use `--target local`"
            + (" or this machine's `--architecture`." if platform.system() == "Linux" else ".")
        )
    return find_interpreter(target.python_version, spec.bytecode_release)


def plain_environment(extra: Mapping[str, str]) -> dict[str, str]:
    """Return a handler's environment at import: Lambda's variables, a Region, invalid credentials, and ``extra``."""
    base = {"PATH": os.defpath, "LANG": "C.UTF-8", "AWS_DEFAULT_REGION": "eu-west-1", "AWS_REGION": "eu-west-1"}
    base |= {"AWS_LAMBDA_FUNCTION_NAME": "check", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128"}
    keys = {"AWS_ACCESS_KEY_ID": "check", "AWS_SECRET_ACCESS_KEY": "check", "AWS_EC2_METADATA_DISABLED": "true"}
    return {**base, **keys, **extra}
