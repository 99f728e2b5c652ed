"""An event loop and threads for one run of the program, with nothing left of them afterwards."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from pulumi.runtime.settings import SETTINGS

# Resources that are created at the same time.
_THREADS = 8


@contextmanager
def event_loop() -> Iterator[asyncio.AbstractEventLoop]:
    """The current event loop of the main thread, for one run.

    The SDK creates resources on the loop's threads and gives each thread a loop of its own that it never closes;
    here they get one beforehand, and it is closed.
    """
    loops: list[asyncio.AbstractEventLoop] = []

    def give_loop() -> None:
        loops.append(asyncio.new_event_loop())
        asyncio.set_event_loop(loops[-1])

    # A run that failed leaves its calls behind in the SDK's process-wide state.
    SETTINGS.rpc_manager.clear()
    SETTINGS.outputs.clear()
    executor = ThreadPoolExecutor(_THREADS, thread_name_prefix="deploy", initializer=give_loop)
    loop = asyncio.new_event_loop()
    loop.set_default_executor(executor)
    asyncio.set_event_loop(loop)
    try:
        yield loop
    except KeyboardInterrupt:
        # Don't wait for calls in flight: the emulator is about to end, and they with it.
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
    """Cancel what a failed run left unfinished, so that nothing complains about it later, and close everything."""
    executor.shutdown(wait=True, cancel_futures=True)
    pending = asyncio.all_tasks(loop)
    for task in pending:
        task.cancel()
    loop.run_until_complete(asyncio.gather(*pending, return_exceptions=True))
    for each in (*loops, loop):
        each.close()
