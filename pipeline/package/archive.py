"""Writes a zip whose bytes depend only on the names and contents of its files."""

import hashlib
import zipfile
from collections.abc import Mapping
from pathlib import Path

#: The earliest time that a zip can store. It replaces the files' own times.
EPOCH = (1980, 1, 1, 0, 0, 0)
#: A regular file that everybody can read, because Lambda runs the code as another user.
MODE = 0o100644
UNIX = 3


def write_archive(files: Mapping[str, Path], destination: Path) -> None:
    """Write ``files`` (name in the zip → file) to ``destination``, sorted by the bytes of their names.

    The files are stored without compression, because zlib, zlib-ng and their versions compress differently.
    """
    with zipfile.ZipFile(destination, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(files, key=str.encode):
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.create_system = UNIX
            entry.external_attr = MODE << 16
            archive.writestr(entry, files[name].read_bytes())


def digest(path: Path) -> str:
    """Return the SHA-256 of a file in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
