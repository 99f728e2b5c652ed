"""Addresses on which servers of this machine listen: ports of the loopback interface, and Unix sockets."""

import os
import socket
from pathlib import Path

LOOPBACK = "127.0.0.1"
# The system's place for a socket's path, one byte less than on the tightest (macOS).
_LONGEST_PATH = 103
_DESCRIPTORS = Path("/proc/self/fd")


def fits(path: Path) -> bool:
    """Return whether a Unix socket at `path` can be reached: elsewhere than on Linux a long path can't."""
    return len(os.fsencode(path)) <= _LONGEST_PATH or _DESCRIPTORS.is_dir()


def connect_to(path: Path) -> socket.socket:
    """A connection to the Unix socket at `path`, which only its owner can open. Raises `OSError`."""
    connection = socket.socket(socket.AF_UNIX)
    try:
        if len(os.fsencode(path)) <= _LONGEST_PATH:
            connection.connect(str(path))
        else:
            folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
            try:
                connection.connect(str(_DESCRIPTORS / str(folder) / path.name))
            finally:
                os.close(folder)
    except BaseException:
        connection.close()
        raise
    return connection
