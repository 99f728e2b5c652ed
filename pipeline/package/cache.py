"""The cache folder: one build uses it at a time, and its entries are always complete."""

import contextlib
import errno
import fcntl
import os
import shutil
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

from pipeline.package.spec import SPACE, BuildError, Progress

#: Zips and trees that no build has used for this long are deleted.
KEEP_SECONDS = 14 * 24 * 3600
_DISK = {errno.ENOSPC, errno.EDQUOT}


@contextlib.contextmanager
def locked(cache: Path, progress: Progress) -> Iterator[Path]:
    """Lock the cache for one build; yield a scratch folder on the same disk, and delete that folder afterwards.

    If a build is killed, the operating system releases the lock, and the next build deletes the old scratch folder.
    Raises a BuildError if the disk is full or a permission is missing, here or in the code of the
    `with` block.
    """
    with disk_errors(cache):
        cache.mkdir(parents=True, exist_ok=True)
        with (cache / "lock").open("a") as lock:
            _wait_for(lock.fileno(), progress)
            shutil.rmtree(cache / "scratch", ignore_errors=True)
            scratch = cache / "scratch" / uuid.uuid4().hex
            scratch.mkdir(parents=True)
            try:
                yield scratch
            finally:
                shutil.rmtree(cache / "scratch", ignore_errors=True)


def entry(path: Path, scratch: Path, make: Callable[[Path], None]) -> Path:
    """Return the folder ``path``. If it is missing, ``make`` fills an empty folder, which is then renamed."""
    if not path.is_dir():
        draft = scratch / uuid.uuid4().hex
        draft.mkdir()
        make(draft)
        path.parent.mkdir(parents=True, exist_ok=True)
        draft.rename(path)
    os.utime(path)
    return path


def prune(folder: Path, keep: Path) -> None:
    """Delete the entries that no build has used for `KEEP_SECONDS`, but never ``keep``."""
    oldest = time.time() - KEEP_SECONDS
    for path in folder.iterdir() if folder.is_dir() else ():
        if path != keep and path.stat().st_mtime < oldest:
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)


@contextlib.contextmanager
def disk_errors(cache: Path) -> Iterator[None]:
    """Turn a full disk or a missing permission into a BuildError that names the place. Other errors stay unchanged."""
    try:
        yield
    except OSError as error:
        if error.errno in _DISK:
            raise BuildError(f"no space left on the disk of {cache}: {SPACE}.") from error
        if isinstance(error, PermissionError) or error.errno == errno.EROFS:
            raise BuildError(f"cannot write to {error.filename or cache}: {error.strerror}.") from error
        raise


def _wait_for(descriptor: int, progress: Progress) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        progress("another build is running: waiting for it")
        fcntl.flock(descriptor, fcntl.LOCK_EX)
