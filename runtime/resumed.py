"""Per-instance state that must not be shared by instances resumed from one snapshot (Lambda SnapStart).

A snapshot is taken after init and before the first invocation. What init leaves behind is therefore the same in every
instance: clients without connections, settings, patterns. That is meant. The state of pseudo-random numbers is not:
retries would wait equally long everywhere and come back together. Ids are safe without this, because `uuid4` asks the
operating system each time.
"""

import random
from functools import cache

from runtime.observability import logger


@cache
def reseed() -> None:
    """In an instance's first invocation: seeds anew, and decides anew whether this one logs at DEBUG.

    Powertools decides at init and again from the second invocation on: what it decided then is in the snapshot.
    """
    random.seed()
    if logger.sampling_rate:
        logger.refresh_sample_rate_calculation()
