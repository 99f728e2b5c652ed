"""Makes botocore load its certificate authorities once per process, not once per connection.

botocore passes the file of authorities (126 of them) for each new connection, and urllib3 loads it into the client's
context each time, in 15 ms of processor time. A worker's first batch opens a connection per thread and service.
"""

import ssl
from functools import cache
from typing import Final

from botocore import httpsession

botocore_context: Final = httpsession.create_urllib3_context


@cache
def shared_context() -> ssl.SSLContext:
    """Create the TLS context of all clients. It loads a file of authorities once, or again after an error."""
    context: ssl.SSLContext = botocore_context()
    vars(context)["load_verify_locations"] = cache(context.load_verify_locations)
    return context


def share_context() -> None:
    """Make botocore use the shared context for each client that is created from now on."""
    httpsession.create_urllib3_context = shared_context
