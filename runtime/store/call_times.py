"""Time limits of calls to AWS: clients are made with these, and the rules on functions' times follow from them."""

import math
from typing import Final

CONNECT_SECONDS: Final = 1
READ_SECONDS: Final = 3
ATTEMPTS: Final = 3
ATTEMPT_SECONDS: Final = CONNECT_SECONDS + READ_SECONDS
"""What one attempt takes at most."""

BRIEF_CONNECT_SECONDS: Final = 1
BRIEF_READ_SECONDS: Final = 1
BRIEF_ATTEMPTS: Final = 2
BRIEF_ATTEMPT_SECONDS: Final = BRIEF_CONNECT_SECONDS + BRIEF_READ_SECONDS
"""The same of a call that gives a message back in an invocation's last seconds."""

FIRST_PAUSE_SECONDS: Final = 1
"""The longest pause before a second attempt: botocore's standard mode takes a random part of it after throttling."""

REPORT_SECONDS: Final = 0.2
"""To answer after the last call."""

LEAST_MARGIN_SECONDS: Final = math.ceil(
    ATTEMPT_SECONDS
    + BRIEF_ATTEMPTS * BRIEF_ATTEMPT_SECONDS
    + (BRIEF_ATTEMPTS - 1) * FIRST_PAUSE_SECONDS
    + REPORT_SECONDS
)
"""What the worker's invocation needs after the last moment at which an ordinary attempt may begin: the attempt fails as
late as it can, its message is given back with every attempt of that, and the batch is reported."""
