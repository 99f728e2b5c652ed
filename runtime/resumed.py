"""Per-instance state that must not be shared by instances resumed from one snapshot (Lambda SnapStart).

A snapshot is taken after init and before the first invocation, so all that init makes is the same in every instance.
That is right for settings, patterns and clients (which have no connections yet). It is wrong for the state of the
pseudo-random generator, because retries would wait equally long in all instances and then collide. Ids need no new
seed, because `uuid4` gets its random bits from the operating system each time.
"""

import random
from functools import cache

from runtime.observability import logger


@cache
def reseed() -> None:
    """In an instance's first invocation, seed the generator and decide again whether this instance logs DEBUG lines.

    Powertools decides that at random at init, but the snapshot would give all instances the same decision. Powertools
    decides again only from the second invocation on.
    """
    random.seed()
    if logger.sampling_rate:
        logger.refresh_sample_rate_calculation()
