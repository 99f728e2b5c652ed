"""The addresses of servers on this machine: ports of the loopback interface, and Unix sockets."""

import os
import socket
from pathlib import Path

LOOPBACK = "127.0.0.1"
# macOS has the lowest limit: 104 bytes with the terminating zero.
_LONGEST_PATH = 103
_DESCRIPTORS = Path("/proc/self/fd")


def fits(path: Path) -> bool:
    """Return whether a Unix socket at `path` can be reached.

    Linux reaches a path of any length if the path's last part is short. Other systems reach only short paths.
    """
    return len(os.fsencode(path)) <= _LONGEST_PATH or _DESCRIPTORS.is_dir()


def connect_to(path: Path) -> socket.socket:
    """Return a connection to the Unix socket at `path`. Raises `OSError`."""
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
