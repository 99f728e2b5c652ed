"""Message group ids, from the caller: for order on a FIFO queue or topic, for fairness on a standard queue."""

import uuid
from typing import TypedDict


class GroupParameters(TypedDict, total=False):
    """Two parameters of SendMessage and Publish. The second is for FIFO alone, and refused elsewhere."""

    MessageGroupId: str
    MessageDeduplicationId: str


def in_group(group: str | None, message_id: str, *, fifo: bool) -> GroupParameters:
    """The next message of `group`; of a message that came without one, `message_id` is its own group.

    On a standard queue SQS delivers the messages of quiet groups before those of a group with many in flight (fair
    queues), and takes each message without a group for a group of its own.

    On a FIFO queue order is kept within the group, and a message needs an id too. Within five minutes SQS takes a
    second send under the same id for done and delivers nothing. An id made for each call lets success mean "sent",
    also for whoever sends an order again on purpose; the SDK's own retries of the call still share it. The worker
    knows an order that comes twice, for longer than those five minutes.
    """
    if fifo:
        return {"MessageGroupId": group or message_id, "MessageDeduplicationId": str(uuid.uuid4())}
    return {"MessageGroupId": group} if group else {}
