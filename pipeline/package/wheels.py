"""Installs the locked dependencies for a target into a folder, with pip as a subprocess."""

import os
import re
import subprocess
import sys
from collections import deque
from pathlib import Path

from pipeline.package.lock import Lock
from pipeline.package.spec import SPACE, BuildError, LambdaTarget, LocalTarget, Progress

#: The newest glibc that a wheel may need: Amazon Linux 2 (Python 3.11) has 2.26, Amazon Linux 2023 has 2.34.
_GLIBC = {"3.11": 26}
_GLIBC_DEFAULT = 34
_GLIBC_OLDEST = 17
_MACHINE = {"arm64": "aarch64", "x86_64": "x86_64"}

#: Fewer retries than pip's default (5), so that a build does not wait for minutes if the index is down.
_RETRY_SETTINGS = {"PIP_TIMEOUT": ("15", {"timeout", "default-timeout"}), "PIP_RETRIES": ("2", {"retries"})}
#: Variables that change what pip installs, where it installs it, or what it prints. The build drops them. It keeps the
#: user's settings for downloads (index, certificates, proxy, cache).
_DROPPED_SETTINGS = {
    "PIP_TARGET",
    "PIP_PREFIX",
    "PIP_ROOT",
    "PIP_PLATFORM",
    "PIP_PYTHON_VERSION",
    "PIP_IMPLEMENTATION",
    "PIP_ABI",
    "PIP_CONSTRAINT",
    "PIP_REQUIREMENT",
    "PIP_EDITABLE",
    "PIP_NO_BINARY",
    "PIP_ONLY_BINARY",
    "PIP_PRE",
    "PIP_DRY_RUN",
    "PIP_UPGRADE",
    "PIP_REPORT",
    "PIP_PYTHON",
    "PIP_QUIET",
    "PIP_VERBOSE",
    "PIP_LOG",
    "PIP_REQUIRE_VIRTUALENV",
    "PIP_COMPILE",
}
_COLLECTING = re.compile(r"^Collecting (?P<what>[^\s;]+)")
_UNREACHABLE = re.compile(
    r"Retrying \(|Connection refused|NewConnectionError|timed out|Name or service not known|SSLError"
)
_FAILURE_LINES = 25


def install(lock: Lock, target: LambdaTarget | LocalTarget, folder: Path, scratch: Path, progress: Progress) -> None:
    """Install exactly the requirements of ``lock`` into the empty ``folder``: wheels for ``target``, hashes checked.

    Raises BuildError when pip is missing, the index does not answer, a wheel is missing, a hash differs, or the disk
    is full.
    """
    command = [sys.executable, "-P", "-m", "pip", "install", "--target", str(folder), "--requirement", str(lock.path)]
    command += ["--require-hashes", "--no-deps", "--only-binary=:all:", "--no-compile", "--ignore-requires-python"]
    command += ["--no-input", "--no-color", "--progress-bar=off", "--disable-pip-version-check", *_platform(target)]
    tail: deque[str] = deque(maxlen=_FAILURE_LINES)
    unreachable = False
    with subprocess.Popen(  # noqa: S603 - our own fixed command
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=_environment(scratch), cwd=scratch
    ) as pip:
        done = 0
        for line in pip.stdout or ():
            tail.append(line.rstrip())
            unreachable = unreachable or bool(_UNREACHABLE.search(line))
            if match := _COLLECTING.match(line):
                done += 1
                progress(f"[{done}/{len(lock.requirements)}] {match['what']}")
    if pip.returncode != 0:
        raise BuildError(_explain("\n".join(tail), lock, target, unreachable=unreachable))


def _platform(target: LambdaTarget | LocalTarget) -> list[str]:
    """Return pip's options for ``target``.

    The options list all wheel tags that fit, because pip's version decides which tags pip adds by itself.
    """
    if isinstance(target, LocalTarget):
        return []
    machine = _MACHINE[target.architecture]
    newest = _GLIBC.get(target.python_version, _GLIBC_DEFAULT)
    platforms = [f"manylinux_2_{minor}_{machine}" for minor in range(newest, _GLIBC_OLDEST - 1, -1)]
    platforms.append(f"manylinux2014_{machine}")
    options = [f"--platform={platform}" for platform in platforms]
    tag = "cp" + target.python_version.replace(".", "")
    options += ["--implementation=cp", f"--python-version={target.python_version}"]
    return [*options, f"--abi={tag}", "--abi=abi3", "--abi=none"]


def _environment(scratch: Path) -> dict[str, str]:
    environment = {name: value for name, value in os.environ.items() if name not in _DROPPED_SETTINGS}
    settings = _user_settings(environment)
    for variable, (value, names) in _RETRY_SETTINGS.items():
        if names.isdisjoint(settings):
            environment[variable] = value
    # `TMPDIR` is set because /tmp may be full or shared. The next build deletes the scratch folder of a killed build.
    return environment | {"TMPDIR": str(scratch), "PIP_USER": "0", "PYTHONUNBUFFERED": "1", "LC_ALL": "C.UTF-8"}


def _user_settings(environment: dict[str, str]) -> set[str]:
    """Return the names of the user's pip settings in files and variables, such as `default-timeout`."""
    result = subprocess.run(
        [sys.executable, "-P", "-m", "pip", "config", "list"],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    if "No module named pip" in result.stderr:
        raise BuildError(f"{sys.executable} has no pip, which the build needs: run `{sys.executable} -m ensurepip`.")
    names = (line.partition("=")[0] for line in result.stdout.splitlines())
    return {name.rpartition(".")[2].strip(" :") for name in names}


def _explain(output: str, lock: Lock, target: LambdaTarget | LocalTarget, *, unreachable: bool) -> str:
    """Return advice for pip's failure, and then pip's last lines, because the advice may be wrong.

    For a full disk, return only the advice.
    """
    missing = re.search(r"No matching distribution found for (\S+)", output)
    if "No space left on device" in output:
        return f"no space left on the disk of `.build/` (installing dependencies): {SPACE}."
    if "DO NOT MATCH THE HASHES" in output:
        advice = (
            f"a file from the index has another hash than in {lock.path.name}. If the lock is stale, run `make lock`."
        )
    elif unreachable:
        advice = (
            "the package index does not answer. Check the network and pip's settings (`pip config list`: index-url, "
            "proxy, cert; PIP_INDEX_URL). Later builds use the dependencies in `.build/` and need no network."
        )
    elif missing:
        advice = (
            f"no wheel of {missing[1]} for {target.label} is on the index. Choose a version, Python or architecture "
            "that has one, then run `make lock`."
        )
    else:
        advice = f"pip could not install {lock.path.name}."
    return f"{advice}\npip's output:\n{output}"
