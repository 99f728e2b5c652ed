"""Prepares the environment of all tests.

Removes the machine's AWS settings. Sets test credentials, a Region and the variables of Powertools.
"""

import gc
import os

from hypothesis import settings

# With the default thresholds, garbage collection took a sixth of the processor time.
gc.set_threshold(100_000, 20, 20)
# An open AWS session of `make aws-check` needs these variables to renew its credentials.
_SOURCES = ("AWS_CONTAINER_", "AWS_WEB_IDENTITY_", "AWS_ROLE_")
for _name in [name for name in os.environ if name.startswith("AWS_") and not name.startswith(_SOURCES)]:
    del os.environ[_name]
os.environ.update(
    AWS_ACCESS_KEY_ID="testing",
    AWS_SECRET_ACCESS_KEY="testing",
    AWS_DEFAULT_REGION="eu-west-1",
    AWS_CONFIG_FILE=os.devnull,
    AWS_SHARED_CREDENTIALS_FILE=os.devnull,
    POWERTOOLS_METRICS_NAMESPACE="orders-test",
    POWERTOOLS_SERVICE_NAME="test",
)
# The machine may need a proxy for the package index, but never for loopback.
for _name in ("NO_PROXY", "no_proxy"):
    os.environ[_name] = ",".join(filter(None, (os.environ.get(_name), "127.0.0.1", "localhost")))
# A test must not fail because the machine is slow.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")
