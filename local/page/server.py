"""Serves the page on loopback, in a thread. Requests for data need the key of this page server."""

import secrets
import socket
import threading
from collections.abc import Callable
from typing import Final

import uvicorn

from local.instance import StateDir
from local.page.access import PageAccess
from local.page.app import Page, files
from local.ports import LOOPBACK
from local.proxy.faults import Faults

_GRACE_SECONDS: Final = 2
_END_SECONDS: Final = 5.0


class PageServer:
    """Serves one instance's page.

    Attributes:
        url: The page's address. The key follows the `#`, because browsers do not send that part to a server. The
            page's script sends the key with each call.
    """

    def __init__(self, state: StateDir, faults: Faults, stop_all: Callable[[], None] = lambda: None) -> None:
        key = secrets.token_urlsafe(24)
        self._socket = socket.create_server((LOOPBACK, 0))
        self.address = f"http://{LOOPBACK}:{self._socket.getsockname()[1]}"
        self.url = f"{self.address}/#key={key}"
        self._page = Page(state, faults, stop_all)
        options = uvicorn.Config(
            PageAccess(self._page.app(), key, files().keys()),
            lifespan="off",
            ws="none",
            http="h11",
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=_GRACE_SECONDS,
        )
        self._server = uvicorn.Server(options)
        self._thread = threading.Thread(target=self._server.run, args=([self._socket],), name="page", daemon=True)

    def start(self) -> None:
        """Serve in a thread."""
        self._thread.start()

    def stop(self) -> None:
        """Stop the server, even if connections are open."""
        self._page.stop()
        self._server.should_exit = True
        self._thread.join(_END_SECONDS)
        self._socket.close()
