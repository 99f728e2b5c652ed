"""Writes a zip whose bytes depend on names and contents alone. Standard library only."""

import hashlib
import zipfile
from collections.abc import Mapping
from pathlib import Path

#: The earliest time a zip can hold. No file's own time gets in.
EPOCH = (1980, 1, 1, 0, 0, 0)
#: A regular file that everyone may read: Lambda runs code as another user than the one who built it.
MODE = 0o100644
UNIX = 3


def write_archive(files: Mapping[str, Path], destination: Path) -> None:
    """Write ``files`` (name in the zip → file) to ``destination``, sorted by the bytes of their names.

    Stored, not deflated: what deflate makes of the same input differs between zlib, zlib-ng and their versions.
    """
    with zipfile.ZipFile(destination, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(files, key=str.encode):
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.create_system = UNIX
            entry.external_attr = MODE << 16
            archive.writestr(entry, files[name].read_bytes())


def digest(path: Path) -> str:
    """SHA-256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
