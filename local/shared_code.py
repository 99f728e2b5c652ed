"""One copy of a function's code for all of its workers, as a deployed package on AWS is one and read-only.

MiniStack unpacks the archive anew for each worker: half of a cold start, and its whole size on disk each time.
"""

import hashlib
import os
import shutil
import tempfile
import threading
import zipfile
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, Final

_CODE: Final = "code"
_lock = threading.Lock()


class SharedArchive(zipfile.ZipFile):
    """An archive whose unpacked code is one folder, to which each worker's folder leads."""

    def extractall(self, path: Any = None, members: Any = None, pwd: bytes | None = None) -> None:
        """Unpack, or lead to what is unpacked; anything but a worker's whole code is unpacked as ever."""
        if path is None or members is not None or Path(path).name != _CODE or self.filename is None:
            super().extractall(path, members, pwd)
            return
        source = Path(self.filename)
        with _lock:
            shared = _folder(source)
            if not shared.exists():
                self._unpack(shared)
        Path(path).rmdir()
        Path(path).symlink_to(shared, target_is_directory=True)
        # Nothing reads it again, and it is as large as the code.
        source.unlink()

    def _unpack(self, shared: Path) -> None:
        # Killed half-way it must not look like the whole.
        half = Path(tempfile.mkdtemp(prefix="code-", dir=shared.parent))
        try:
            super().extractall(half)
            half.rename(shared)
        except BaseException:
            shutil.rmtree(half, ignore_errors=True)
            raise


def share_code(runtime: ModuleType) -> None:
    """Make MiniStack's workers share. Raises `LookupError` where it does not unpack in the way that is known here."""
    if getattr(runtime, "zipfile", None) is not zipfile:
        raise LookupError("this MiniStack does not unpack with zipfile; local/shared_code.py is for another version")
    shared = {**vars(zipfile), "ZipFile": SharedArchive}
    vars(runtime)["zipfile"] = SimpleNamespace(**shared)


def _folder(archive: Path) -> Path:
    with archive.open("rb") as source:
        digest = hashlib.file_digest(source, "sha256").hexdigest()
    # In the emulator's scratch folder, which goes with it.
    return Path(os.environ.get("TMPDIR") or tempfile.gettempdir()) / f"shared-{digest[:32]}"
