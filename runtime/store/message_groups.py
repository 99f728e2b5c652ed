"""Message groups, one per caller.

A FIFO queue or topic keeps each group's sequence. A standard queue is shared fairly between groups.
"""

import uuid
from typing import TypedDict


class GroupParameters(TypedDict, total=False):
    """Two parameters of SendMessage and Publish. Only FIFO queues and topics accept the second."""

    MessageGroupId: str
    MessageDeduplicationId: str


def in_group(group: str | None, message_id: str, *, fifo: bool) -> GroupParameters:
    """Return the parameters that put a message into `group`. On FIFO, `message_id` replaces a missing group.

    On a standard queue, SQS delivers the messages of quiet groups before those of a group with many messages in flight
    (fair queues). It treats each message without a group as a separate group.

    A FIFO queue keeps the sequence within a group, and each message needs a deduplication id. If an id is used again
    within five minutes, SQS reports success but delivers nothing. So each call gets a new id. Then
    success always means that the message was sent, even if an order is sent again on purpose. The
    SDK's retries of one call share the id. The worker recognises an order that arrives twice, also
    after those five minutes.
    """
    if fifo:
        return {"MessageGroupId": group or message_id, "MessageDeduplicationId": str(uuid.uuid4())}
    return {"MessageGroupId": group} if group else {}
