"""Builds the `pulumi` command from its public Go modules, once per pinned version and machine."""

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tools.engine.find import Engine, ask
from tools.engine.versions import MODULE, EngineUnavailableError, pinned, text

Progress = Callable[[str], None]

COMMAND = "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"
_SDK = "github.com/pulumi/pulumi/sdk/v3"
_HOST_SCRIPT = "pulumi-language-python-exec"
# What `go build` compiles from nothing; only for the progress.
_PACKAGES = 1650


def cache_home() -> Path:
    """Where built commands are kept: outside of every checkout, so that a fresh clone finds them."""
    home = os.environ.get("XDG_CACHE_HOME")
    return (Path(home) if home else Path.home() / ".cache") / "orders-pipeline" / "pulumi"


def build(progress: Progress, search_path: str | None = None) -> Engine:
    """The command of the pinned version, built first if it is not in the cache.

    Raises:
        EngineUnavailableError: there is no Go, or the build failed.
    """
    go = shutil.which("go", path=search_path)
    if go is None:
        raise EngineUnavailableError("There is no Go either (1.24 or newer) to build one from its public modules.")
    folder = cache_home() / f"{text(pinned())}-{_fingerprint(go)}"
    with _alone(folder):
        if not (folder / _HOST_SCRIPT).exists():
            _build(go, folder, progress)
    command = folder / "pulumi"
    return Engine(command, ask(str(command)), folder / _HOST_SCRIPT)


def _fingerprint(go: str) -> str:
    """Changes with all that decides the command."""
    digest = hashlib.sha256(Path(__file__).read_bytes())
    for name in ("go.mod", "go.sum"):
        digest.update((MODULE / name).read_bytes())
    digest.update(_run(go, "env", "GOVERSION", "GOOS", "GOARCH").encode())
    return digest.hexdigest()[:12]


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Two builds at once would only slow each other down."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _build(go: str, folder: Path, progress: Progress) -> None:
    progress(f"building pulumi {text(pinned())} with Go: six minutes on two processors, once")
    folder.mkdir(exist_ok=True)
    draft = folder / "pulumi.draft"
    version = f"-X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v{text(pinned())}"
    # No debugging symbols, and no path of this machine: neither helps anybody here.
    arguments = ["build", "-v", "-trimpath", "-ldflags", f"-s -w {version}", "-o", str(draft), COMMAND]
    with subprocess.Popen(  # noqa: S603 - the Go on the user's own path
        [go, *arguments], cwd=MODULE, text=True, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL
    ) as process:
        said = _follow(process.stderr or (), progress)
    if process.returncode:
        tail = "\n".join(said[-12:])
        message = f"`go build` of {COMMAND} failed with code {process.returncode}:\n{tail}"
        raise EngineUnavailableError(message)
    draft.replace(folder / "pulumi")
    module = json.loads(_run(go, "list", "-m", "-json", _SDK))
    # Last: its presence says that the folder is complete.
    shutil.copyfile(Path(module["Dir"]) / "python" / "cmd" / _HOST_SCRIPT, folder / _HOST_SCRIPT)
    progress(f"built {folder / 'pulumi'}")


def _follow(lines: Iterator[str] | tuple[str, ...], progress: Progress) -> list[str]:
    """Count what Go says it does; it has no progress of its own. Returns its words."""
    said, downloaded, compiled = [], 0, 0
    for line in lines:
        said.append(line.rstrip())
        downloading = line.startswith("go: downloading")
        downloaded += downloading
        compiled += not downloading
        if downloading and downloaded % 50 == 0:
            progress(f"{downloaded} modules downloaded")
        if not downloading and compiled % 100 == 0:
            progress(f"{compiled} of about {_PACKAGES} packages compiled")
    return said


def _run(go: str, *arguments: str) -> str:
    try:
        answer = subprocess.run(  # noqa: S603 - the Go on the user's own path
            [go, *arguments], cwd=MODULE, capture_output=True, text=True, check=True
        )
    except subprocess.CalledProcessError as error:
        message = f"`go {' '.join(arguments)}` failed: {error.stderr.strip()}"
        raise EngineUnavailableError(message) from error
    return answer.stdout
