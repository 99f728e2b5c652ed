"""The entry points, and what they have in common: how their init goes."""

import gc
import os
from collections.abc import Callable
from typing import Final

_IN_LAMBDA: Final = "AWS_LAMBDA_FUNCTION_NAME" in os.environ

if _IN_LAMBDA:
    # Nearly all that is imported stays: collections on the way look at all of it, again and again, and free next to
    # nothing. This runs before the first import of an entry point.
    gc.disable()


def finish_init(make: Callable[[], object]) -> None:
    """Make what every invocation uses, and begin to collect garbage; in Lambda only, as an entry point's last line.

    Init has a whole CPU whatever the function's memory, and a missing setting fails the deploy, not an order.
    """
    if not _IN_LAMBDA:
        return
    make()
    # What init made stays: collections, which a body of many arrays starts, need not look at it again.
    gc.freeze()
    gc.enable()
