"""Errors that a person at the terminal can act on, and the exit codes of the command line."""

import errno
from enum import IntEnum
from pathlib import Path


class ExitCode(IntEnum):
    """Exit codes of `python -m local` (2 is argparse's, for wrong usage)."""

    OK = 0
    FAILED = 1
    USAGE = 2
    ALREADY_RUNNING = 3
    NOT_RUNNING = 4
    INTERRUPTED = 130


class LocalError(Exception):
    """An error that the person who typed the command can act on. The message says what to change."""

    exit_code = ExitCode.FAILED


class AlreadyRunningError(LocalError):
    """An instance is already running in this state folder."""

    exit_code = ExitCode.ALREADY_RUNNING


class NotRunningError(LocalError):
    """This state folder has no running instance that the command can use."""

    exit_code = ExitCode.NOT_RUNNING


class StoppedError(LocalError):
    """`down` stopped the instance while it was starting."""

    exit_code = ExitCode.INTERRUPTED


class NoSpaceError(LocalError):
    """The disk is full."""


def no_space(folder: Path, needed: str = "") -> NoSpaceError:
    """Return the error for a full disk under the state folder `folder`.

    `needed` is a size, such as `64 MB`. A purpose may follow, such as `for the code of the functions`.
    """
    at_least = f" At least {needed} are needed there." if needed else ""
    return NoSpaceError(
        f"No space left on the disk of {folder}.{at_least} "
        "Free some space, or put the state folder on another disk: --state-dir DIR (or ORDERS_LOCAL_DIR)."
    )


def explain_os_error(error: OSError, folder: Path, full: NoSpaceError | None = None) -> LocalError:
    """Return a `LocalError` for an `OSError` from work in `folder`.

    If the disk is full, return `full`, or by default an error that says how to move the state
    folder. This advice helps only if `folder` belongs to the state folder. For any other folder,
    give `full`.
    """
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return full or no_space(folder)
    return LocalError(f"{error.strerror or error}: {error.filename or folder}")
