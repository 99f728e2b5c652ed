"""Makes botocore load its certificate authorities once per process, not once per connection.

botocore passes its file of 126 authorities to urllib3 for each new connection. Each time, urllib3 loads the file into
the client's context, which takes 15 ms of processor time. A worker's first batch opens one connection per thread and
service.
"""

import ssl
from functools import cache
from typing import Final

from botocore import httpsession

botocore_context: Final = httpsession.create_urllib3_context


@cache
def shared_context() -> ssl.SSLContext:
    """Create the TLS context of all clients. It loads each file of authorities once; after an error it tries again."""
    context: ssl.SSLContext = botocore_context()
    vars(context)["load_verify_locations"] = cache(context.load_verify_locations)
    return context


def share_context() -> None:
    """Make botocore use the shared context for each client that is created from now on."""
    httpsession.create_urllib3_context = shared_context
