"""Time limits of calls to AWS. The clients use them, and the rules on the functions' timeouts are derived from them."""

import math
from typing import Final

CONNECT_SECONDS: Final = 1
READ_SECONDS: Final = 3
ATTEMPTS: Final = 3
ATTEMPT_SECONDS: Final = CONNECT_SECONDS + READ_SECONDS
"""The longest time of one attempt."""

BRIEF_CONNECT_SECONDS: Final = 1
BRIEF_READ_SECONDS: Final = 1
BRIEF_ATTEMPTS: Final = 2
BRIEF_ATTEMPT_SECONDS: Final = BRIEF_CONNECT_SECONDS + BRIEF_READ_SECONDS
"""The longest time of one attempt to return a message to the queue or to delete it. The time is short, because these
calls must end in time even in an invocation's last seconds."""

FIRST_PAUSE_SECONDS: Final = 1
"""The longest pause before a second attempt. After throttling, botocore's standard mode waits for a random part of this
time. A header `x-amz-retry-after` of the answer could make the pause up to 5 s longer."""

REPORT_SECONDS: Final = 0.2
"""Time to return the answer after the last call."""

LEAST_MARGIN_SECONDS: Final = math.ceil(
    ATTEMPT_SECONDS
    + BRIEF_ATTEMPTS * BRIEF_ATTEMPT_SECONDS
    + (BRIEF_ATTEMPTS - 1) * FIRST_PAUSE_SECONDS
    + REPORT_SECONDS
)
"""The time that must remain in an invocation when the worker begins an attempt of a call with the
limits `CONNECT_SECONDS` and `READ_SECONDS`. The time is enough for the worst case: the attempt
fails as late as possible, the call that returns the message to the queue needs `BRIEF_ATTEMPTS`
attempts, and then the batch is reported."""
