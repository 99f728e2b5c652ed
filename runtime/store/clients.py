"""boto3 clients: one session and one set of clients per process.

Their timeouts are short, so that a call can end before Lambda stops the function.
"""

from functools import cache
from typing import TYPE_CHECKING, Final

import boto3
from botocore.config import Config

from runtime.settings import MAX_BATCH_THREADS
from runtime.store.call_times import (
    ATTEMPTS,
    BRIEF_ATTEMPTS,
    BRIEF_CONNECT_SECONDS,
    BRIEF_READ_SECONDS,
    CONNECT_SECONDS,
    READ_SECONDS,
)
from runtime.store.tls import share_context

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_sqs import SQSClient

# The pool can keep one connection for each possible worker thread. If it were smaller, connections that exceed it would
# be closed after each use, and the next calls would need new TLS handshakes.
CONFIG: Final = Config(
    connect_timeout=CONNECT_SECONDS,
    read_timeout=READ_SECONDS,
    retries={"total_max_attempts": ATTEMPTS, "mode": "standard"},
    max_pool_connections=MAX_BATCH_THREADS,
    # Without a fixed user agent botocore builds one for each call, which takes a fifth of the call's processor time.
    user_agent=f"Boto3/{boto3.__version__}",
    tcp_keepalive=True,
)


@cache
def _session() -> boto3.session.Session:
    share_context()
    return boto3.session.Session()


@cache
def dynamodb() -> "DynamoDBClient":
    """The DynamoDB client of this process."""
    return _session().client("dynamodb", config=CONFIG)


@cache
def sqs() -> "SQSClient":
    """The SQS client of this process."""
    return _session().client("sqs", config=CONFIG)


@cache
def brief_sqs() -> "SQSClient":
    """The SQS client for an invocation's last seconds. Its timeouts are short, so that a call ends in time."""
    brief = Config(
        connect_timeout=BRIEF_CONNECT_SECONDS,
        read_timeout=BRIEF_READ_SECONDS,
        retries={"total_max_attempts": BRIEF_ATTEMPTS, "mode": "standard"},
    )
    return _session().client("sqs", config=CONFIG.merge(brief))


@cache
def sns() -> "SNSClient":
    """The SNS client of this process."""
    return _session().client("sns", config=CONFIG)


@cache
def events() -> "EventBridgeClient":
    """The EventBridge client of this process."""
    return _session().client("events", config=CONFIG)
