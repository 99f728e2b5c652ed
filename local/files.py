"""Files that are either whole or not there, and folders that are gone soon."""

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path


def write_atomically(path: Path, text: str) -> None:
    """Write `text`, for its owner only, so that a reader sees the old file or the new one, never half of one."""
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def private_folder(path: Path) -> None:
    """Make `path` a folder for its owner only, and so those above it that are missing.

    Of one that is there already, only what is put in it is private.
    """
    for missing in reversed([each for each in (path, *path.parents) if not each.exists()]):
        with contextlib.suppress(FileExistsError):
            missing.mkdir(mode=0o700)


@contextlib.contextmanager
def alone(lock: Path) -> Iterator[None]:
    """Within this context no other process is in it: what two make at once, one would spoil for the other."""
    lock.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def remove_tree(folder: Path) -> None:
    """Remove `folder`, which may be missing, its subfolders side by side.

    There are thousands of files in it, and on a busy disk each removal waits its turn: so it takes a tenth of the time.
    """
    inside = [each for each in folder.iterdir() if each.is_dir() and not each.is_symlink()] if folder.is_dir() else []
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda each: shutil.rmtree(each, ignore_errors=True), inside))
    shutil.rmtree(folder, ignore_errors=True)
