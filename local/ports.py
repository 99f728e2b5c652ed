"""Ports on the loopback interface."""

import errno
import socket

from local.errors import LocalError

LOOPBACK = "127.0.0.1"


def free_port() -> int:
    """A port that nobody listens on right now."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def require_free(port: int) -> None:
    """Raise `LocalError` when the port that was asked for can't be had."""
    with socket.socket() as probe:
        # As the emulator does: a port in TIME_WAIT is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError as error:
            reason = "is taken by another program" if error.errno == errno.EADDRINUSE else f"can't be used: {error}"
            raise LocalError(
                f"Port {port} {reason}. Give another one (--port N), or none at all: then a free one is picked."
            ) from None
