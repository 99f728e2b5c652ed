"""Pulumi's archives as zip files."""

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pulumi


def zip_bytes(archive: pulumi.Archive) -> bytes:
    """Return the archive as the bytes of a zip file. Relative paths of files and folders start at the program's folder.

    Raises `ValueError` if a folder does not exist, or if this kind of archive or entry is not supported here.
    """
    if isinstance(archive, pulumi.FileArchive):
        path = Path(archive.path)
        return path.read_bytes() if path.is_file() else _zip({"": archive})
    if isinstance(archive, pulumi.AssetArchive):
        return _zip(archive.assets)
    raise ValueError(f"a {type(archive).__name__} is not supported locally; use a FileArchive or an AssetArchive")


def _zip(entries: Mapping[str, pulumi.Asset | pulumi.Archive]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as target:
        for name, entry in sorted(entries.items()):
            for path, data in _files(name, entry):
                # With a fixed date, the same files give the same bytes.
                target.writestr(zipfile.ZipInfo(path, (1980, 1, 1, 0, 0, 0)), data)
    return buffer.getvalue()


def _files(name: str, entry: pulumi.Asset | pulumi.Archive) -> list[tuple[str, bytes]]:
    if isinstance(entry, pulumi.StringAsset):
        return [(name, entry.text.encode())]
    if isinstance(entry, pulumi.FileAsset):
        return [(name, Path(entry.path).read_bytes())]
    if isinstance(entry, pulumi.FileArchive) and Path(entry.path).is_dir():
        root = Path(entry.path)
        files = sorted(path for path in root.rglob("*") if path.is_file())
        return [
            ("/".join([*([name] if name else []), path.relative_to(root).as_posix()]), path.read_bytes())
            for path in files
        ]
    raise ValueError(
        f"the archive's entry {name!r}, a {type(entry).__name__}, is not supported locally; "
        "use a text, a file or an existing folder"
    )
