"""Makes an event loop and threads for one run of the program. Closes them at its end, unless Ctrl-C ends the run."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from pulumi.runtime.settings import SETTINGS

# The number of resources that are created at the same time.
_THREADS = 8


@contextmanager
def event_loop() -> Iterator[asyncio.AbstractEventLoop]:
    """Set a new event loop for the main thread, for the duration of the block.

    The SDK creates resources on the loop's threads. If a thread has no event loop, the SDK makes one and never closes
    it. So each thread gets its event loop here. The end of the block closes all loops, except after Ctrl-C.
    """
    loops: list[asyncio.AbstractEventLoop] = []

    def give_loop() -> None:
        loops.append(asyncio.new_event_loop())
        asyncio.set_event_loop(loops[-1])

    # An earlier run that failed may have left calls in the SDK's process-wide state.
    SETTINGS.rpc_manager.clear()
    SETTINGS.outputs.clear()
    executor = ThreadPoolExecutor(_THREADS, thread_name_prefix="deploy", initializer=give_loop)
    loop = asyncio.new_event_loop()
    loop.set_default_executor(executor)
    asyncio.set_event_loop(loop)
    try:
        yield loop
    except KeyboardInterrupt:
        # Don't wait for calls in flight, because they end with the emulator, which is about to stop.
        executor.shutdown(wait=False, cancel_futures=True)
        raise
    except BaseException:
        _end(loop, executor, loops)
        raise
    else:
        _end(loop, executor, loops)
    finally:
        asyncio.set_event_loop(None)


def _end(loop: asyncio.AbstractEventLoop, executor: ThreadPoolExecutor, loops: list[asyncio.AbstractEventLoop]) -> None:
    """Cancel unfinished tasks, because after a failed run they would print warnings later. Then close all loops."""
    executor.shutdown(wait=True, cancel_futures=True)
    pending = asyncio.all_tasks(loop)
    for task in pending:
        task.cancel()
    loop.run_until_complete(asyncio.gather(*pending, return_exceptions=True))
    for each in (*loops, loop):
        each.close()
