"""Atomic writes, private folders, a lock between processes, and fast removal of folders."""

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path


def write_atomically(path: Path, text: str) -> None:
    """Write `text` to a file that only its owner can read. A reader sees the old file or the new one, never a part."""
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def private_folder(path: Path) -> None:
    """Make the folder `path`, and its missing parents, for their owner only.

    An existing folder keeps its permissions, so whoever writes a file there must make the file itself private.
    """
    for missing in reversed([each for each in (path, *path.parents) if not each.exists()]):
        with contextlib.suppress(FileExistsError):
            missing.mkdir(mode=0o700)


@contextlib.contextmanager
def locked(lock: Path) -> Iterator[None]:
    """Lock the file `lock` during the block, so that no two processes make the same files at once."""
    lock.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def remove_tree(folder: Path) -> None:
    """Remove `folder`, which may be missing. Its subfolders are removed in parallel.

    An instance's folder has thousands of files. On a busy disk each removal waits, so parallel removals take only a
    tenth of the time.
    """
    inside = [each for each in folder.iterdir() if each.is_dir() and not each.is_symlink()] if folder.is_dir() else []
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda each: shutil.rmtree(each, ignore_errors=True), inside))
    shutil.rmtree(folder, ignore_errors=True)
