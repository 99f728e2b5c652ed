"""A MiniStack process for these tests: its own port, its own folder, stopped by its own handle."""

from __future__ import annotations

import logging
import os
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from local.environment import ensure_environment

_LOG = logging.getLogger(__name__)
ENVIRONMENT = Path(__file__).resolve().parents[3] / ".build" / "emulator"
START_SECONDS = 30


@contextmanager
def ministack(folder: Path) -> Iterator[str]:
    """Run the emulator until the context ends; yields its endpoint URL.

    Args:
        folder: For its log and the temporary files of its function workers.

    Raises:
        LocalError: its environment is missing and cannot be made.
        RuntimeError: it did not answer in time (with the end of its log).
    """
    python = ENVIRONMENT / "bin" / "python"
    if not python.exists():
        python = ensure_environment(_LOG.info)
    port = _free_port()
    url = f"http://127.0.0.1:{port}"
    log = folder / "ministack.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [python, "-m", "ministack"],
            env=_environment(port, folder),
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            cwd=folder,
        )
        try:
            _wait(url, process, log)
            yield url
        finally:
            _stop(process)


def _environment(port: int, folder: Path) -> dict[str, str]:
    return {
        "PATH": os.environ.get("PATH", ""),
        "HOME": str(folder),
        "TMPDIR": str(folder),
        "BIND_HOST": "127.0.0.1",
        "DOCKER_HOST": "unix:///nonexistent/docker.sock",  # at its start it would remove other people's containers
        "GATEWAY_PORT": str(port),
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "LOG_LEVEL": "INFO",
    }


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    limit = time.monotonic() + START_SECONDS
    while time.monotonic() < limit:
        if process.poll() is not None:
            break
        try:
            with urllib.request.urlopen(f"{url}/_ministack/health", timeout=1):  # noqa: S310 - a loopback URL of ours
                return
        except OSError:
            time.sleep(0.05)
    tail = log.read_text(errors="replace")[-2000:]
    raise RuntimeError(f"MiniStack did not answer at {url} within {START_SECONDS} s. Its log ends:\n{tail}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(timeout=10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(timeout=10)
