"""The entry points, and the init that they share."""

import gc
import os
from collections.abc import Callable
from typing import Final

_IN_LAMBDA: Final = "AWS_LAMBDA_FUNCTION_NAME" in os.environ

if _IN_LAMBDA:
    # Garbage collections during the imports would take time and free almost nothing, because nearly all imported
    # objects live as long as the process. This line runs before the first import of an entry point.
    gc.disable()


def finish_init(make: Callable[[], object]) -> None:
    """In Lambda, call `make` and then switch garbage collection on. `make` builds what every invocation uses.

    An entry point calls this in its last line, so `make` runs during init. Init has a whole CPU, even if the
    function has little memory. If a setting is missing, init fails before the function handles an order.
    """
    if not _IN_LAMBDA:
        return
    make()
    # The objects made so far live as long as the process, so later collections need not examine them.
    gc.freeze()
    gc.enable()
