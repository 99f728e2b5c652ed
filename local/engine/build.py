"""Builds the `pulumi` command from its public Go modules, once per pinned version and machine."""

import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from local.engine.find import Engine, reported_version
from local.engine.versions import MODULE, EngineUnavailableError, pinned, required_go, text
from local.files import locked

Progress = Callable[[str], None]

COMMAND = "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"
_SDK = "github.com/pulumi/pulumi/sdk/v3"
_HOST_SCRIPT = "pulumi-language-python-exec"
# -trimpath keeps paths of this machine out of the command.
_FLAGS = ("-trimpath",)


class EngineBuildError(Exception):
    """The modules were downloaded and do not compile. The defect is in local/engine/pulumi, not in the machine."""


def cache_home() -> Path:
    """Return the folder for built commands. It is outside of every checkout, so that a fresh clone finds them."""
    home = os.environ.get("XDG_CACHE_HOME")
    return (Path(home) if home else Path.home() / ".cache") / "orders-pipeline" / "pulumi"


def build(progress: Progress, search_path: str | None) -> Engine:
    """Return the command of the pinned version, and build it first if it is not in the cache.

    Raises:
        EngineUnavailableError: Go is not installed or cannot download the modules, or the built command does not run.
        EngineBuildError: the modules do not compile.
    """
    go = shutil.which("go", path=search_path)
    if go is None:
        raise EngineUnavailableError(
            f"Go is not installed. Go {required_go()} or newer could build `pulumi` from its public modules."
        )
    folder = cache_home() / f"{text(pinned())}-{_fingerprint(go)}"
    with locked(folder.with_suffix(".lock")):
        if not (folder / _HOST_SCRIPT).exists():
            _build(go, folder, progress)
    command = folder / "pulumi"
    return Engine(command, reported_version(str(command)), folder / _HOST_SCRIPT)


def _fingerprint(go: str) -> str:
    """Return a hash of everything that determines the built command."""
    digest = hashlib.sha256(" ".join(_FLAGS).encode())
    for name in ("go.mod", "go.sum"):
        digest.update((MODULE / name).read_bytes())
    digest.update(_run(go, "env", "GOVERSION", "GOOS", "GOARCH").encode())
    return digest.hexdigest()[:12]


def _build(go: str, folder: Path, progress: Progress) -> None:
    progress(f"building pulumi {text(pinned())} with Go: about six minutes on two processors, once")
    # The download is a separate step: its errors come from the machine or the network, later errors from the build.
    packages = _start(go, "list", "-deps", COMMAND)
    output = _follow(packages, lambda line: line.startswith("go: downloading"), 50, "modules downloaded", progress)
    if packages.returncode:
        message = "Go cannot download the modules to build `pulumi`:\n" + "\n".join(output[-6:])
        raise EngineUnavailableError(message)
    folder.mkdir(exist_ok=True)
    draft = folder / "pulumi.draft"
    version = f"-X {_SDK}/go/common/version.Version=v{text(pinned())}"
    # -s -w leaves out the debugging symbols, which are a third of the size.
    compiling = _start(go, "build", "-v", *_FLAGS, f"-ldflags=-s -w {version}", "-o", str(draft), COMMAND)
    output = _follow(compiling, lambda _: True, 100, "of about 1650 packages compiled", progress)
    if compiling.returncode:
        message = f"`go build` of {COMMAND} failed with code {compiling.returncode}:\n" + "\n".join(output[-12:])
        raise EngineBuildError(message)
    draft.replace(folder / "pulumi")
    module = json.loads(_run(go, "list", "-m", "-json", _SDK))
    # This file is written last, because it marks the folder as complete.
    shutil.copyfile(Path(module["Dir"]) / "python" / "cmd" / _HOST_SCRIPT, folder / _HOST_SCRIPT)
    progress(f"built {folder / 'pulumi'}")


def _start(go: str, *arguments: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [go, *arguments],
        cwd=MODULE,
        text=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )


def _follow(
    process: "subprocess.Popen[str]", counts: Callable[[str], bool], every: int, what: str, progress: Progress
) -> list[str]:
    """Report progress by counting Go's output lines, because Go reports no progress. Return the lines when Go ends."""
    output, count = [], 0
    with process:
        for line in process.stderr or ():
            output.append(line.rstrip())
            count += counts(line)
            if counts(line) and count % every == 0:
                progress(f"{count} {what}")
    return output


def _run(go: str, *arguments: str) -> str:
    try:
        answer = subprocess.run([go, *arguments], cwd=MODULE, capture_output=True, text=True, check=True)
    except subprocess.CalledProcessError as error:
        message = f"`go {' '.join(arguments)}` failed: {error.stderr.strip()}"
        raise EngineUnavailableError(message) from error
    return answer.stdout
