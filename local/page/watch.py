"""The page's live data. While a page is open, the server reads the data repeatedly; each read serves all pages."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError
from starlette.concurrency import run_in_threadpool

from local.demo.account import Account
from local.errors import LocalError
from local.page.commands import OpsCommands
from local.proxy.faults import Faults
from ops.errors import OpsError
from ops.gateway.queues import Depth, depth_of
from ops.logic.stored import UnreadableOrder, read_row
from runtime.models.order import StoredOrder

_PAUSE_SECONDS: Final = 0.4
# A slow table is read less often, so that reading takes at most a fifth of the time.
_PAUSE_FACTOR: Final = 4
_MOST_ORDERS: Final = 200
# When the page is stopped, each stream ends within this time.
_HEARTBEAT_SECONDS: Final = 0.25

Sections = dict[str, Any]


class View:
    """Reads the current data of the page's sections."""

    def __init__(self, commands: OpsCommands, account: Callable[[], Account], faults: Faults) -> None:
        self._commands = commands
        self._account = account
        self._faults = faults
        self._pool = ThreadPoolExecutor(1, "dead-letters")
        self._reading: Future[Any] | None = None
        self._seen: tuple[int, int] | None = None
        self._dead_letters: Any = []

    def read(self) -> Sections:
        """Read the current data of all sections."""
        context, account = self._commands.context, self._account()
        queues = {
            name: depth_of(context.clients.sqs, url)
            for name, url in (
                ("orders", context.target.orders_queue_url),
                ("dead", context.target.dead_letter_queue_url),
            )
        }
        pages = context.clients.dynamodb.get_paginator("scan").paginate(TableName=context.target.orders_table)
        orders = [read_row(item) for page in pages for item in page["Items"]]
        newest = sorted(orders, key=_accepted_at, reverse=True)
        return {
            "queues": {name: depth.visible + depth.hidden + depth.delayed for name, depth in queues.items()},
            "orders": {"count": len(orders), "newest": [_order(row) for row in newest[:_MOST_ORDERS]]},
            "stock": [{"sku": sku, "available": str(row.get("available"))} for sku, row in account.stock().items()],
            "faults": [each.model_dump(mode="json") for each in self._faults.list()],
            "dead_letters": self._listed(queues["dead"]),
        }

    def _listed(self, depth: Depth) -> Any:
        """Return the dead letters as last read. If a read has failed, raise its error.

        Reading is slow and hides the dead letters. So a thread reads them again only if the queue's counts have changed
        since the last read, or if the last read failed.
        """
        seen = depth.visible, depth.hidden
        if seen == (0, 0):
            self._seen, self._dead_letters = seen, []
        elif self._reading is None and seen != self._seen:
            self._seen, self._reading = seen, self._pool.submit(self._commands.dead_letters)
        if self._reading is not None and self._reading.done():
            reading, self._reading = self._reading, None
            self._seen = None if reading.exception() else self._seen
            self._dead_letters = reading.result()
        return self._dead_letters


def _accepted_at(row: StoredOrder | UnreadableOrder) -> str:
    return (row.accepted_at or "") if isinstance(row, StoredOrder) else ""


def _order(row: StoredOrder | UnreadableOrder) -> dict[str, Any]:
    if isinstance(row, UnreadableOrder):
        return {"order_id": row.order_id, "status": "UNREADABLE", "why": str(row)}
    return {
        "order_id": row.order_id,
        "status": row.status.value,
        "accepted_at": row.accepted_at,
        "settled_at": row.settled_at,
        "total": row.total,
        "currency": row.currency,
        "lines": ", ".join(f"{line.quantity} x {line.sku}" for line in row.lines),
        "why": row.reason.code.value if row.reason else (row.error or {}).get("error_type"),
    }


class Watch:
    """Sends each section to all open pages when it changes.

    Attributes:
        stopped: Ends all streams. Any thread may set it.
    """

    def __init__(self, view: View) -> None:
        self._view = view
        self._streams: set[asyncio.Queue[Sections]] = set()
        self._known: Sections = {}
        self._task: asyncio.Task[None] | None = None
        self.stopped = False

    async def events(self) -> AsyncIterator[str]:
        """Yield a server-sent event for each section that changed. A new stream begins with all sections."""
        queue: asyncio.Queue[Sections] = asyncio.Queue()
        queue.put_nowait(dict(self._known))
        self._streams.add(queue)
        if self._task is None:
            self._task = asyncio.create_task(self._poll())
        try:
            while not self.stopped:
                try:
                    changed = await asyncio.wait_for(queue.get(), _HEARTBEAT_SECONDS)
                except TimeoutError:
                    continue
                for name, value in changed.items():
                    yield f"event: {name}\ndata: {json.dumps(value, default=str)}\n\n"
        finally:
            self._streams.discard(queue)

    async def _poll(self) -> None:
        try:
            while self._streams:
                started = time.monotonic()
                found = await self._read()
                changed = {name: value for name, value in found.items() if self._known.get(name) != value}
                self._known |= changed
                for each in self._streams if changed else ():
                    each.put_nowait(changed)
                await asyncio.sleep(max(_PAUSE_SECONDS, _PAUSE_FACTOR * (time.monotonic() - started)))
        finally:
            self._task = None

    async def _read(self) -> Sections:
        try:
            return {**await run_in_threadpool(self._view.read), "trouble": None}
        except (BotoCoreError, ClientError, OpsError, LocalError) as error:
            return {"trouble": str(error)}
