"""Unpacks a function's code once for all of its workers.

MiniStack unpacks the archive for each worker. This takes half of the time of each cold start, and disk space for one
more copy. Sharing is safe: on AWS a function's code is read-only, so no function writes to it.
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
    """An archive that is unpacked into one shared folder; each worker's folder is a link to it."""

    def extractall(self, path: Any = None, members: Any = None, pwd: bytes | None = None) -> None:
        """Replace a worker's code folder by a link to the shared folder. Unpack to any other folder as usual.

        The first worker that needs the shared folder unpacks the code into it.
        """
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
        # Delete the archive: it takes as much space as the code, and nothing reads it again.
        source.unlink()

    def _unpack(self, shared: Path) -> None:
        # After a kill, a partly unpacked folder must not look complete.
        half = Path(tempfile.mkdtemp(prefix="code-", dir=shared.parent))
        try:
            super().extractall(half)
            half.rename(shared)
        except BaseException:
            shutil.rmtree(half, ignore_errors=True)
            raise


def share_code(runtime: ModuleType) -> None:
    """Make MiniStack's workers share their code. Raises `LookupError` if MiniStack does not unpack with `zipfile`."""
    if getattr(runtime, "zipfile", None) is not zipfile:
        raise LookupError("this MiniStack does not unpack with zipfile; local/shared_code.py is for another version")
    shared = {**vars(zipfile), "ZipFile": SharedArchive}
    vars(runtime)["zipfile"] = SimpleNamespace(**shared)


def _folder(archive: Path) -> Path:
    with archive.open("rb") as source:
        digest = hashlib.file_digest(source, "sha256").hexdigest()
    # TMPDIR is the emulator's scratch folder, which is removed when the emulator ends.
    return Path(os.environ.get("TMPDIR") or tempfile.gettempdir()) / f"shared-{digest[:32]}"
